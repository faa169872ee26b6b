/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-layout: documents are files that people read and change. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "room.h"

#define THREADS 8
#define WRITES_EACH 40

/* What a list gave: "KEY TEXT" of each. */
typedef struct Taken {
    hr_document_sink sink;
    GPtrArray *list;
    hr_status answer;
} Taken;

static hr_status
take(hr_document_sink *sink, hr_call *call, const hr_document *document)
{
    Taken *taken = (Taken *)sink;

    g_assert_null(document->secrets);
    if (taken->answer != HR_OK) {
        g_strlcpy(call->reason, "the host does not like it",
                  sizeof call->reason);
        return call->status = taken->answer;
    }
    g_ptr_array_add(taken->list,
                    g_strconcat(document->key, " ", document->text, NULL));
    return HR_OK;
}

static gint
order(gconstpointer left, gconstpointer right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *
end_taken(Taken *taken, hr_status status)
{
    char *text = NULL;

    g_ptr_array_sort(taken->list, order);
    g_ptr_array_add(taken->list, NULL);
    if (status == HR_OK)
        text = g_strjoinv("\n", (char **)taken->list->pdata);
    g_ptr_array_unref(taken->list);
    return text;
}

static Taken
new_taken(void)
{
    return (Taken){
        .sink = {.struct_size = sizeof(hr_document_sink), .take = take},
        .list = g_ptr_array_new_with_free_func(g_free),
    };
}

/* All documents of a kind, sorted, a line each; NULL if the list failed. */
static char *
list(Room *room, const char *kind)
{
    hr_document_scope scope = {.struct_size = sizeof scope, .kind = kind};
    Taken taken = new_taken();

    return end_taken(&taken,
                     room_ops->list_documents(room->registry, &room->call,
                                              &scope, &taken.sink));
}

static char *
read_one(Room *room, const char *kind, const char *key)
{
    Taken taken = new_taken();

    return end_taken(&taken,
                     room_ops->read_document(room->registry, &room->call, kind,
                                             key, &taken.sink));
}

static hr_status
put(hr_registry *registry, hr_call *call, const char *kind, const char *key,
    const char *text, const char *found)
{
    hr_document_write write = {
        .struct_size = sizeof write,
        .action = found == NULL ? HR_WRITE_CREATE : HR_WRITE_UPDATE,
        .kind = kind,
        .key = key,
        .text = text,
        .found = found,
        .secrets = "{\"/secret\":\"Canary-Secret-1\"}",
    };

    return room_ops->write_document(registry, call, &write);
}

static void
create(Room *room, const char *kind, const char *key, const char *text)
{
    if (put(room->registry, &room->call, kind, key, text, NULL) != HR_OK)
        g_error("%s", room->call.reason);
}

static char *
file_text(const Room *room, const char *name)
{
    g_autofree char *path = room_path(room, "%s", name);
    char *text;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static bool
is_there(const Room *room, const char *name)
{
    g_autofree char *path = room_path(room, "%s", name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
test_readable(void)
{
    Room room;
    g_autofree char *text = NULL, *listed = NULL, *read = NULL;

    room_enter(&room);
    create(&room, "robot", "library/ci",
           "{\"duration\":-1,\"description\":\"für \\\"CI\\\"\","
           "\"permissions\":[{\"kind\":\"project\"}]}");
    text = file_text(&room, ".configuration/robot/library/ci.json");
    g_assert_cmpstr(text, ==,
                    "{\n"
                    "  \"document\": {\n"
                    "    \"description\": \"für \\\"CI\\\"\",\n"
                    "    \"duration\": -1,\n"
                    "    \"permissions\": [\n"
                    "      {\n"
                    "        \"kind\": \"project\"\n"
                    "      }\n"
                    "    ]\n"
                    "  },\n"
                    "  \"key\": \"library/ci\",\n"
                    "  \"kind\": \"robot\"\n"
                    "}\n");
    room_reopen(&room);
    listed = list(&room, "robot");
    g_assert_nonnull(strstr(listed, "library/ci {"));
    g_assert_nonnull(strstr(listed, "\"duration\":-1"));
    read = read_one(&room, "robot", "library/ci");
    g_assert_cmpstr(read, ==, listed);
    room_leave(&room);
}

/* Keys of every sort, each with a file of its own that is found again. */
static void
test_keys(void)
{
    g_autofree char *long_one = g_strnfill(1024, 'k');
    g_autofree char *long_other = g_strnfill(1023, 'k');
    g_autofree char *slashes = g_strnfill(1024, '/');
    g_autofree char *umlauts = g_strnfill(1024, 'x');
    g_autofree char *half = g_strnfill(1024, 'x');
    const char *keys[] = {
        "a",         "A",
        "a.json",    "a.json/b",
        "a/b",       "a/b.json",
        "a.JSON/b",  "/a",
        "/",         "//",
        ".",         "..",
        "../../etc", ".tmp-1",
        "a/..",      "%",
        "%%",        "%2F",
        "a%2Fb",     "a b",
        " a",        "a ",
        "a /b",      " ",
        "-",         "oidc/für alle",
        "a\tb\n",    "a\\b",
        "a:b",       "a@sha256:0",
        "con*",      "a./b",
        "a.",        "%~",
        long_one,    long_other,
        slashes,     umlauts,
        half,
    };
    g_autoptr(GHashTable) paths =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Room room;
    g_autofree char *listed = NULL;
    g_auto(GStrv) lines = NULL;

    for (unsigned i = 0; i + 1 < 1024; i += 2)
        memcpy(umlauts + i, "ü", 2);
    for (unsigned i = 1; i + 1 < 1024; i += 2)
        memcpy(half + i, "ü", 2);
    half[1023] = '/';
    room_enter(&room);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        char path[LAYOUT_PATH_CAPACITY];
        g_autofree char *read = NULL;

        g_assert_cmpint(
            layout_document_path(&room.call, "label", keys[i], path), ==,
            HR_OK);
        g_assert_true(g_utf8_validate(path, -1, NULL));
        g_assert_true(g_hash_table_add(paths, g_strdup(path)));
        create(&room, "label", keys[i], "{\"color\":\"#fff\"}");
        read = read_one(&room, "label", keys[i]);
        g_assert_nonnull(read);
        g_assert_true(g_str_has_prefix(read, keys[i]));
    }
    room_reopen(&room);
    listed = list(&room, "label");
    if (listed == NULL)
        g_error("%s", room.call.reason);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line =
            g_strconcat(keys[i], " {\"color\":\"#fff\"}", NULL);

        g_assert_nonnull(strstr(listed, line));
    }
    g_assert_true(is_there(&room, ".configuration/label/%/a.json"));
    g_assert_true(is_there(&room, ".configuration/label/oidc/für alle.json"));
    g_assert_true(is_there(&room, ".configuration/label/a%2Ejson/b.json"));
    g_assert_false(is_there(&room, "../etc.json"));
    room_leave(&room);
}

static void
test_bad_keys(void)
{
    g_autofree char *long_one = g_strnfill(1025, 'k');
    const char *keys[] = {"", long_one, "a\xff"};
    Room room;

    room_enter(&room);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
        g_assert_cmpint(
            put(room.registry, &room.call, "robot", keys[i], "{}", NULL), ==,
            HR_INVALID);
    g_assert_cmpint(put(room.registry, &room.call, "robot", "a", "[]", NULL),
                    ==, HR_INVALID);
    room_assert_said(&room, "robot a: the document is no JSON object");
    g_assert_null(read_one(&room, "robot", ""));
    room_leave(&room);
}

static void
test_kinds(void)
{
    const char *bad[] = {"", "Robot", "-a", "a-", "a--b", "../a", "a/b", "1a"};
    FakeSetting settings[] = {
        {"path", NULL, 0},
        {"repository", "a", 0},
        {NULL, NULL, 0},
    };
    Room room;
    hr_registry *one;

    room_enter(&room);
    g_assert_cmpint(room_ops->knows(room.registry, &room.call, "my-kind2",
                                    HR_ACCESS_READ | HR_ACCESS_WRITE),
                    ==, HR_OK);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(
            room_ops->knows(room.registry, &room.call, bad[i], HR_ACCESS_READ),
            ==, HR_UNSUPPORTED);
    settings[0].text = room.path;
    one = fake_host_open(settings);
    g_assert_cmpint(room_ops->knows(one, &room.call, "robot", HR_ACCESS_READ),
                    ==, HR_UNSUPPORTED);
    room_assert_said(&room, "the layout of one repository");
    room_ops->close(one);
    room_leave(&room);
}

static void
test_identity(void)
{
    Room room;
    hr_identity identity = {.struct_size = sizeof identity};
    FakeSetting settings[] = {
        {"path", NULL, 0},
        {"create", NULL, 0},
        {NULL, NULL, 0},
    };

    room_enter(&room);
    g_assert_cmpint(room_ops->identify(room.registry, &room.call, &identity),
                    ==, HR_OK);
    g_assert_true(g_str_has_prefix(identity.principal, "files in "));
    g_assert_cmpuint(identity.flags, ==, HR_IDENTITY_ALL_RIGHTS);
    g_assert_true(g_str_has_prefix(identity.fingerprint, "sha256:"));
    settings[0].text = room.path;
    room_ops->close(room.registry);
    room.registry = fake_host_open(settings);
    g_assert_cmpint(room_ops->identify(room.registry, &room.call, &identity),
                    ==, HR_NOT_FOUND);
    g_assert_null(list(&room, "robot"));
    g_assert_cmpint(put(room.registry, &room.call, "robot", "a", "{}", NULL),
                    ==, HR_NOT_FOUND);
    room_assert_said(&room, "`create` is false");
    g_assert_false(is_there(&room, "."));
    room_leave(&room);
}

static void
test_nothing_there(void)
{
    Room room;
    g_autofree char *listed = NULL, *again = NULL;

    room_enter(&room);
    listed = list(&room, "robot");
    g_assert_cmpstr(listed, ==, "");
    g_assert_null(read_one(&room, "robot", "a"));
    g_assert_cmpint(room.call.status, ==, HR_NOT_FOUND);
    g_assert_false(is_there(&room, "."));
    create(&room, "robot", "a", "{}");
    again = list(&room, "label");
    g_assert_cmpstr(again, ==, "");
    g_assert_null(read_one(&room, "robot", "b"));
    g_assert_cmpint(room.call.status, ==, HR_NOT_FOUND);
    g_assert_null(read_one(&room, "robot", "a/b/c"));
    g_assert_cmpint(room.call.status, ==, HR_NOT_FOUND);
    room_leave(&room);
}

static void
test_secrets(void)
{
    Room room;
    g_autofree char *text = NULL;

    room_enter(&room);
    create(&room, "robot", "a", "{\"duration\":1}");
    text = file_text(&room, ".configuration/robot/a.json");
    g_assert_null(strstr(text, "Canary"));
    g_assert_null(strstr(text, "secret"));
    room_leave(&room);
}

static void
test_conflicts(void)
{
    Room room;
    g_autofree char *read = NULL, *dropped = NULL;

    room_enter(&room);
    create(&room, "robot", "a", "{\"duration\":1}");
    g_assert_cmpint(
        put(room.registry, &room.call, "robot", "a", "{\"duration\":2}", NULL),
        ==, HR_CONFLICT);
    room_assert_said(&room, "is there already");
    /* The answer to the first attempt was lost: it is as it should be. */
    create(&room, "robot", "a", "{\"duration\":1}");
    g_assert_cmpint(put(room.registry, &room.call, "robot", "a",
                        "{\"duration\":3}", "{\"duration\":2}"),
                    ==, HR_CONFLICT);
    room_assert_said(&room, "changed by somebody else");
    g_assert_cmpint(put(room.registry, &room.call, "robot", "a",
                        "{\"duration\":3}", "{\"duration\":1}"),
                    ==, HR_OK);
    read = read_one(&room, "robot", "a");
    g_assert_cmpstr(read, ==, "a {\"duration\":3}");
    g_assert_cmpint(put(room.registry, &room.call, "robot", "b", "{}", "{}"),
                    ==, HR_NOT_FOUND);
    dropped = room_path(&room, ".configuration");
    {
        g_autoptr(GDir) directory = g_dir_open(dropped, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(directory)) != NULL)
            g_assert_false(g_str_has_prefix(name, ".tmp-"));
    }
    room_leave(&room);
}

/* A file as somebody might leave it, and what is said about it. */
typedef struct Mistake {
    const char *text;
    const char *said;
} Mistake;

static void
test_mistakes(void)
{
    const Mistake mistakes[] = {
        {"", "a.json:1:1: "},
        {"[]", "a.json:1:1: an object is expected"},
        {"{\n  \"key\": \"a\",\n  \"kind\": \"robot\",\n"
         "  \"document\": {\"x\": 1,}\n}\n",
         "a.json:4:"},
        {"{\n  \"key\": \"a\",\n  \"kind\": \"robot\"\n}\n",
         "`document` must be an object"},
        {"{\n  \"document\": [],\n  \"key\": \"a\",\n"
         "  \"kind\": \"robot\"\n}\n",
         "a.json:2:15: `document` must be an object"},
        {"{\n  \"document\": {},\n  \"key\": \"b\",\n"
         "  \"kind\": \"robot\"\n}\n",
         "a.json:3:10: robot b belongs into robot/b.json"},
        {"{\n  \"document\": {},\n  \"key\": \"a\",\n"
         "  \"kind\": \"label\"\n}\n",
         "label a belongs into label/a.json"},
        {"{\n  \"document\": {},\n  \"key\": \"a\",\n"
         "  \"kind\": \"Robot\"\n}\n",
         "a.json:4:11: that is no name of a kind"},
        {"{\n  \"document\": {},\n  \"key\": \"\",\n"
         "  \"kind\": \"robot\"\n}\n",
         "a.json:3:10: a key has 1 to 1024 bytes"},
        {"{\n  \"document\": {},\n  \"key\": 1,\n"
         "  \"kind\": \"robot\"\n}\n",
         "a.json:3:10: `key` must be a text"},
        {"{\n  \"document\": {},\n  \"key\": \"a\",\n"
         "  \"kind\": \"robot\",\n  \"secret\": \"s\"\n}\n",
         "a.json:5:13: only `document`, `key` and `kind` belong here"},
        {"{\n  \"document\": {\"x\": 1, \"x\": 2},\n  \"key\": \"a\",\n"
         "  \"kind\": \"robot\"\n}\n",
         "a.json:2:"},
        {"{\"document\": {\"x\": \"\\ud800\"}, \"key\": \"a\","
         " \"kind\": \"robot\"}",
         "a.json:1:"},
    };
    Room room;

    room_enter(&room);
    for (unsigned i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        if (i == 0)
            create(&room, "robot", "a", "{}");
        room_scribble(&room, ".configuration/robot/a.json", mistakes[i].text,
                      -1);
        g_assert_null(list(&room, "robot"));
        g_assert_cmpint(room.call.status, ==, HR_INVALID);
        room_assert_said(&room, mistakes[i].said);
        room_assert_said(&room, "repair the file");
        g_assert_null(read_one(&room, "robot", "a"));
        /* Somebody's work is not written over. */
        g_assert_cmpint(
            put(room.registry, &room.call, "robot", "a", "{}", "{\"x\":1}"),
            ==, HR_INVALID);
    }
    room_leave(&room);
}

/* What people change is taken, however it is spelt. */
static void
test_by_hand(void)
{
    Room room;
    g_autofree char *listed = NULL, *path = NULL, *gone = NULL;

    room_enter(&room);
    create(&room, "robot", "a", "{\"duration\":1}");
    room_scribble(&room, ".configuration/robot/a.json",
                  "{\"kind\":\"robot\",\"key\":\"\\u0061\","
                  "\"document\":{\"duration\":7}}",
                  -1);
    room_scribble(&room, ".configuration/robot/README", "notes", -1);
    room_scribble(&room, ".configuration/robot/.gitkeep.json", "", -1);
    listed = list(&room, "robot");
    g_assert_cmpstr(listed, ==, "a {\"duration\":7}");
    path = room_path(&room, ".configuration/robot/a.json");
    g_assert_cmpint(g_unlink(path), ==, 0);
    gone = list(&room, "robot");
    g_assert_cmpstr(gone, ==, "");
    room_leave(&room);
}

static void
check_refused(Room *room)
{
    g_assert_null(list(room, "robot"));
    g_assert_cmpint(room->call.status, ==, HR_INVALID);
    room_assert_said(room, "not followed");
}

static void
test_links(void)
{
    Room room;
    g_autofree char *outside = NULL, *link = NULL, *directory = NULL;

    room_enter(&room);
    create(&room, "robot", "a", "{}");
    outside = g_build_filename(room.base, "outside.json", NULL);
    g_assert_true(g_file_set_contents(
        outside, "{\"kind\":\"robot\",\"key\":\"l\",\"document\":{\"x\":1}}",
        -1, NULL));
    link = room_path(&room, ".configuration/robot/l.json");
    g_assert_cmpint(symlink(outside, link), ==, 0);
    check_refused(&room);
    g_assert_null(read_one(&room, "robot", "l"));
    g_assert_cmpint(put(room.registry, &room.call, "robot", "l", "{}", NULL),
                    ==, HR_INVALID);
    g_assert_cmpint(g_unlink(link), ==, 0);
    directory = room_path(&room, ".configuration/robot/project");
    g_assert_cmpint(symlink(room.base, directory), ==, 0);
    check_refused(&room);
    g_assert_cmpint(
        put(room.registry, &room.call, "robot", "project/a", "{}", NULL), ==,
        HR_INVALID);
    g_assert_cmpint(g_unlink(directory), ==, 0);
    g_assert_cmpint(mkfifo(link, 0600), ==, 0);
    check_refused(&room);
    room_leave(&room);
}

static void
test_host_refuses(void)
{
    Room room;
    hr_document_scope scope = {.struct_size = sizeof scope, .kind = "robot"};
    Taken taken = new_taken();

    room_enter(&room);
    create(&room, "robot", "a", "{}");
    taken.answer = HR_INVALID;
    g_assert_cmpint(room_ops->list_documents(room.registry, &room.call, &scope,
                                             &taken.sink),
                    ==, HR_INVALID);
    room_assert_said(&room, "robot/a.json: the host does not like it");
    g_ptr_array_unref(taken.list);
    room_leave(&room);
}

/* One of those who all write: counts up, as often as it takes. */
typedef struct Writer {
    Room *room;
    hr_registry *registry;
    unsigned number; /* of this one */
    unsigned lost;   /* times somebody else was faster */
} Writer;

static void
count_up(Writer *writer)
{
    hr_call call = {0};
    Taken taken = new_taken();
    g_autofree char *found = NULL, *text = NULL;
    hr_status status = room_ops->read_document(
        writer->registry, &call, "robot", "counter", &taken.sink);
    unsigned number;

    found = end_taken(&taken, status);
    g_assert_nonnull(found);
    g_assert_cmpint(sscanf(found, "counter {\"n\":%u", &number), ==, 1);
    text = g_strdup_printf("{\"n\":%u,\"writer\":%u}", number + 1,
                           writer->number);
    status = put(writer->registry, &call, "robot", "counter", text,
                 strchr(found, '{'));
    if (status == HR_OK)
        return;
    g_assert_cmpint(status, ==, HR_CONFLICT);
    writer->lost++;
    count_up(writer);
}

static void *
run_writer(void *data)
{
    for (unsigned i = 0; i < WRITES_EACH; i++)
        count_up(data);
    return NULL;
}

/* Half of them through an instance of their own, as another process has. */
static void
test_writers(void)
{
    Room room;
    pthread_t threads[THREADS];
    Writer writers[THREADS];
    hr_registry *other;
    g_autofree char *read = NULL, *expected = NULL;
    unsigned lost = 0;

    room_enter(&room);
    other = room_open_again(&room);
    create(&room, "robot", "counter", "{\"n\":0}");
    for (unsigned i = 0; i < THREADS; i++) {
        writers[i] = (Writer){&room, i % 2 == 0 ? room.registry : other, i, 0};
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, run_writer, &writers[i]), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        lost += writers[i].lost;
    }
    g_test_message("%u writes came second", lost);
    read = read_one(&room, "robot", "counter");
    expected = g_strdup_printf("counter {\"n\":%u,", THREADS * WRITES_EACH);
    g_assert_true(g_str_has_prefix(read, expected));
    room_ops->close(other);
    room_leave(&room);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    room_start();
    g_test_add_func("/layout-documents/are-files-to-read", test_readable);
    g_test_add_func("/layout-documents/have-any-key", test_keys);
    g_test_add_func("/layout-documents/refuse-bad-keys", test_bad_keys);
    g_test_add_func("/layout-documents/are-of-any-kind", test_kinds);
    g_test_add_func("/layout-documents/tell-who-asks", test_identity);
    g_test_add_func("/layout-documents/may-not-be-there", test_nothing_there);
    g_test_add_func("/layout-documents/have-no-secrets", test_secrets);
    g_test_add_func("/layout-documents/tell-who-came-second", test_conflicts);
    g_test_add_func("/layout-documents/say-where-they-are-wrong",
                    test_mistakes);
    g_test_add_func("/layout-documents/are-changed-by-hand", test_by_hand);
    g_test_add_func("/layout-documents/are-not-found-through-links",
                    test_links);
    g_test_add_func("/layout-documents/say-which-file-the-host-refused",
                    test_host_refuses);
    g_test_add_func("/layout-documents/are-written-by-many", test_writers);
    return g_test_run();
}
