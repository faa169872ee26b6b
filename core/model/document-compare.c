/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two documents differ in, for people. */
#include <string.h>

#include "base/text.h"
#include "model/document.h"
#include "model/json.h"

/* Longest value shown whole, in characters. */
#define SHOWN_LIMIT 60

typedef struct Comparing {
    GPtrArray *list;
    GString *pointer; /* of the place that is looked at */
} Comparing;

static void
compare_values(Comparing *comparing, const HrJson *found,
               const HrJson *wanted);

static void
free_difference(gpointer data)
{
    HrFieldDifference *difference = data;

    g_free(difference->pointer);
    g_free(difference->text);
    g_free(difference);
}

static void
add(Comparing *comparing, char *text)
{
    HrFieldDifference *difference = g_new0(HrFieldDifference, 1);

    /* Names of members may be a stranger's. */
    difference->pointer = hr_text_one_line(comparing->pointer->str);
    difference->text = text;
    g_ptr_array_add(comparing->list, difference);
}

typedef struct Joining {
    GString *text;
    bool flat;
} Joining;

static void
join_text(const char *name, HrJson *value, void *data)
{
    Joining *joining = data;
    const char *text = hr_json_text(value);

    (void)name;
    joining->flat = joining->flat && text != NULL && *text != '\0';
    if (!joining->flat)
        return;
    if (joining->text->len > 0)
        g_string_append_c(joining->text, ':');
    g_string_append(joining->text, text);
}

/* An element of a set that is no more than two or three words reads better
 * without its braces: "push:repository". */
static char *
join_words(const HrJson *json)
{
    g_autofree char *canonical = hr_json_canonical(json);
    g_autoptr(HrJson) sorted =
        hr_json_parse(canonical, strlen(canonical), NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    Joining joining = {.text = text, .flat = hr_json_is_object(sorted)};

    hr_json_foreach(sorted, join_text, &joining);
    return joining.flat && text->len > 0 ? g_strdup(text->str) : NULL;
}

static char *
cut(const char *text)
{
    g_autofree char *line = hr_text_one_line(text);
    const char *end;

    if (g_utf8_strlen(line, -1) <= SHOWN_LIMIT)
        return g_steal_pointer(&line);
    end = g_utf8_offset_to_pointer(line, SHOWN_LIMIT);
    return g_strdup_printf("%.*s...", (int)(end - line), line);
}

static char *
show(const HrJson *json)
{
    const char *text = hr_json_text(json);
    g_autofree char *canonical = NULL;

    if (json == NULL)
        return g_strdup("");
    if (text != NULL && *text != '\0' && strpbrk(text, " ;,") == NULL)
        return cut(text);
    canonical = hr_json_canonical(json);
    return cut(canonical);
}

static char *
show_element(const HrJson *json)
{
    g_autofree char *words = join_words(json);

    return words != NULL ? cut(words) : show(json);
}

static bool
same(const HrJson *one, const HrJson *other)
{
    g_autofree char *left = NULL;
    g_autofree char *right = NULL;

    if (one == NULL || other == NULL)
        return one == other;
    left = hr_json_canonical(one);
    right = hr_json_canonical(other);
    return strcmp(left, right) == 0;
}

static void
add_change(Comparing *comparing, const HrJson *found, const HrJson *wanted)
{
    g_autofree char *before = show(found);
    g_autofree char *after = show(wanted);

    add(comparing,
        g_strconcat(before, found != NULL ? " -> " : "-> ", after, NULL));
    g_strchomp(
        ((HrFieldDifference *)comparing->list->pdata[comparing->list->len - 1])
            ->text);
}

static void
append_escaped(GString *pointer, const char *name)
{
    g_string_append_c(pointer, '/');
    for (; *name != '\0'; name++)
        if (*name == '~')
            g_string_append(pointer, "~0");
        else if (*name == '/')
            g_string_append(pointer, "~1");
        else
            g_string_append_c(pointer, *name);
}

static void
compare_at(Comparing *comparing, const char *name, const HrJson *found,
           const HrJson *wanted)
{
    gsize length = comparing->pointer->len;

    append_escaped(comparing->pointer, name);
    compare_values(comparing, found, wanted);
    g_string_truncate(comparing->pointer, length);
}

static void
note_name(const char *name, HrJson *value, void *data)
{
    (void)value;
    g_hash_table_add(data, g_strdup(name));
}

static gint
order_names(gconstpointer left, gconstpointer right)
{
    return strcmp(left, right);
}

static void
compare_objects(Comparing *comparing, const HrJson *found,
                const HrJson *wanted)
{
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GList) sorted = NULL;

    hr_json_foreach((HrJson *)found, note_name, names);
    hr_json_foreach((HrJson *)wanted, note_name, names);
    sorted = g_list_sort(g_hash_table_get_keys(names), order_names);
    for (const GList *at = sorted; at != NULL; at = at->next)
        compare_at(comparing, at->data, hr_json_get(found, at->data),
                   hr_json_get(wanted, at->data));
}

/* Elements of `one` that `other` has not as often. */
static GPtrArray *
subtract(const HrJson *one, const HrJson *other)
{
    g_autoptr(GHashTable) counts =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *rest = g_ptr_array_new();

    for (size_t i = 0; i < hr_json_length(other); i++) {
        char *text = hr_json_canonical(hr_json_at(other, i));
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, text)) + 1;

        g_hash_table_replace(counts, text, GUINT_TO_POINTER(count));
    }
    for (size_t i = 0; i < hr_json_length(one); i++) {
        g_autofree char *text = hr_json_canonical(hr_json_at(one, i));
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, text));

        if (count == 0)
            g_ptr_array_add(rest, hr_json_at(one, i));
        else
            g_hash_table_replace(counts, g_steal_pointer(&text),
                                 GUINT_TO_POINTER(count - 1));
    }
    return rest;
}

static void
append_elements(GString *text, char sign, const GPtrArray *elements)
{
    for (guint i = 0; i < elements->len; i++) {
        g_autofree char *shown = show_element(elements->pdata[i]);

        g_string_append_printf(text, "%s%c%s", text->len > 0 ? " " : "", sign,
                               shown);
    }
}

/* True if elements are what they were, with something inside changed: things
 * that have parts of their own, and as many as before. */
static bool
are_changed_inside(const GPtrArray *gone, const GPtrArray *come)
{
    if (gone->len != come->len)
        return false;
    for (guint i = 0; i < gone->len; i++) {
        g_autofree char *before = join_words(gone->pdata[i]);
        g_autofree char *after = join_words(come->pdata[i]);

        if (before != NULL || after != NULL ||
            !hr_json_is_object(gone->pdata[i]) ||
            !hr_json_is_object(come->pdata[i]))
            return false;
    }
    return true;
}

static size_t
find_index(const HrJson *array, const HrJson *element)
{
    size_t i = 0;

    while (i < hr_json_length(array) && hr_json_at(array, i) != element)
        i++;
    return i;
}

static void
compare_arrays(Comparing *comparing, const HrJson *found, const HrJson *wanted)
{
    g_autoptr(GPtrArray) gone = subtract(found, wanted);
    g_autoptr(GPtrArray) come = subtract(wanted, found);
    GString *text;

    if (gone->len == 0 && come->len == 0) {
        add(comparing, g_strdup("another order"));
        return;
    }
    if (are_changed_inside(gone, come)) {
        for (guint i = 0; i < come->len; i++) {
            g_autofree char *index =
                g_strdup_printf("%zu", find_index(wanted, come->pdata[i]));

            compare_at(comparing, index, gone->pdata[i], come->pdata[i]);
        }
        return;
    }
    text = g_string_new(NULL);
    append_elements(text, '+', come);
    append_elements(text, '-', gone);
    add(comparing, g_string_free(text, FALSE));
}

static void
compare_values(Comparing *comparing, const HrJson *found, const HrJson *wanted)
{
    if (same(found, wanted))
        return;
    if (hr_json_is_object(found) && hr_json_is_object(wanted))
        compare_objects(comparing, found, wanted);
    else if (hr_json_is_array(found) && hr_json_is_array(wanted))
        compare_arrays(comparing, found, wanted);
    else
        add_change(comparing, found, wanted);
}

GPtrArray *
hr_document_compare(const char *found, const char *wanted)
{
    g_autoptr(HrJson) before = hr_json_parse(found, strlen(found), NULL);
    g_autoptr(HrJson) after = hr_json_parse(wanted, strlen(wanted), NULL);
    g_autoptr(GString) pointer = g_string_new(NULL);
    Comparing comparing = {
        .list = g_ptr_array_new_with_free_func(free_difference),
        .pointer = pointer,
    };

    compare_values(&comparing, before, after);
    return comparing.list;
}

char *
hr_document_compare_line(const char *found, const char *wanted)
{
    g_autoptr(GPtrArray) list = hr_document_compare(found, wanted);
    GString *line = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++) {
        const HrFieldDifference *one = list->pdata[i];
        const char *name = one->pointer;

        /* A member of the document itself needs no path. */
        if (*name == '/' && strchr(name + 1, '/') == NULL)
            name++;
        g_string_append_printf(line, "%s%s: %s", i > 0 ? "; " : "", name,
                               one->text);
    }
    return g_string_free(line, FALSE);
}
