/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP double: one thread accepts, and each connection has its own. */
#include "http-double.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/lock.h"

#define CONNECTION_LIMIT 256
#define HEAD_LIMIT 16384

typedef struct Record {
    char *method;
    char *path;
    char *head;
    char *digest;
    unsigned begun;
    unsigned completed;
} Record;

typedef struct Connection {
    HrDouble *server;
    pthread_t thread;
    int fd;
    size_t used; /* bytes in `head` after the head itself */
    char head[HEAD_LIMIT + 1];
} Connection;

struct HrDouble {
    HrDoubleRoute *routes;
    unsigned *uses;
    int listener;
    char *url;
    pthread_t thread;
    pthread_mutex_t mutex;
    GPtrArray *records;
    Connection *connections[CONNECTION_LIMIT];
    unsigned connection_count;
    unsigned at_once;
    unsigned most_at_once;
    bool stopping;
};

static Record *
find_record_locked(HrDouble *server, const char *method, const char *path)
{
    Record *record;

    for (guint i = 0; i < server->records->len; i++) {
        record = server->records->pdata[i];
        if (strcmp(record->method, method) == 0 &&
            strcmp(record->path, path) == 0)
            return record;
    }
    record = g_new0(Record, 1);
    record->method = g_strdup(method);
    record->path = g_strdup(path);
    g_ptr_array_add(server->records, record);
    return record;
}

static void
free_record(void *data)
{
    Record *record = data;

    g_free(record->method);
    g_free(record->path);
    g_free(record->head);
    g_free(record->digest);
    g_free(record);
}

static bool
stopping(HrDouble *server)
{
    HR_LOCKED(&server->mutex);
    return server->stopping;
}

static void
pause_ms(HrDouble *server, unsigned ms)
{
    for (unsigned i = 0; i < ms && !stopping(server); i += 5)
        g_usleep(5000);
}

static bool
send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t part = send(fd, data, size, MSG_NOSIGNAL);

        if (part <= 0)
            return false;
        data += part;
        size -= (size_t)part;
    }
    return true;
}

/* Reads until the blank line; what came after it stays at the front. */
static char *
read_head(Connection *connection)
{
    for (;;) {
        char *end;

        connection->head[connection->used] = '\0';
        end = strstr(connection->head, "\r\n\r\n");
        if (end != NULL) {
            size_t length = (size_t)(end + 4 - connection->head);
            char *head = g_strndup(connection->head, length);

            connection->used -= length;
            memmove(connection->head, end + 4, connection->used);
            return head;
        }
        if (connection->used == HEAD_LIMIT)
            return NULL;
        ssize_t part =
            recv(connection->fd, connection->head + connection->used,
                 HEAD_LIMIT - connection->used, 0);
        if (part <= 0)
            return NULL;
        connection->used += (size_t)part;
    }
}

static size_t
body_length(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");

    return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

/* Reads `size` bytes of a body into the hash; false if they end before. */
static bool
read_body(Connection *connection, size_t size, HrHash *hash)
{
    char buffer[65536];
    size_t first = MIN(size, connection->used);

    hr_hash_update(hash, connection->head, first);
    connection->used -= first;
    memmove(connection->head, connection->head + first, connection->used);
    size -= first;
    while (size > 0) {
        ssize_t part =
            recv(connection->fd, buffer, MIN(size, sizeof buffer), 0);

        if (part <= 0)
            return false;
        hr_hash_update(hash, buffer, (size_t)part);
        size -= (size_t)part;
    }
    return true;
}

static bool
send_body(HrDouble *server, int fd, const HrDoubleRoute *route)
{
    const char *bytes = route->body;
    size_t left = route->body_size;

    if (route->drip_bytes == 0)
        return send_all(fd, bytes, left);
    while (left > 0 && !stopping(server)) {
        size_t part = MIN(left, route->drip_bytes);

        if (!send_all(fd, bytes, part))
            return false;
        bytes += part;
        left -= part;
        pause_ms(server, 20);
    }
    return left == 0;
}

static bool
answer(HrDouble *server, int fd, const HrDoubleRoute *route, bool bodiless)
{
    g_autoptr(GString) head = g_string_new(NULL);
    size_t announced =
        route->announced > 0 ? route->announced : route->body_size;

    pause_ms(server, route->delay_ms);
    g_string_printf(head, "HTTP/1.1 %u Scripted\r\n%s", route->status,
                    route->headers != NULL ? route->headers : "");
    if (route->chunked)
        g_string_append(head, "Connection: close\r\n");
    else
        g_string_append_printf(head, "Content-Length: %zu\r\n", announced);
    g_string_append(head, "\r\n");
    return send_all(fd, head->str, head->len) &&
           (bodiless || send_body(server, fd, route)) && !route->cut &&
           !route->chunked;
}

static const HrDoubleRoute *
begin(HrDouble *server, const char *method, const char *path, const char *head)
{
    HR_LOCKED(&server->mutex);
    Record *record = find_record_locked(server, method, path);

    record->begun++;
    g_free(record->head);
    record->head = g_strdup(head);
    server->at_once++;
    server->most_at_once = MAX(server->most_at_once, server->at_once);
    for (unsigned i = 0; server->routes[i].method != NULL; i++) {
        const HrDoubleRoute *route = &server->routes[i];

        if (strcmp(route->method, method) != 0 ||
            strcmp(route->path, path) != 0 ||
            (route->times > 0 && server->uses[i] >= route->times))
            continue;
        server->uses[i]++;
        return route;
    }
    return NULL;
}

static void
complete(HrDouble *server, const char *method, const char *path, HrHash *hash)
{
    char digest[HR_DIGEST_CAPACITY];
    HR_LOCKED(&server->mutex);
    Record *record = find_record_locked(server, method, path);

    hr_hash_finish(hash, digest);
    record->completed++;
    g_free(record->digest);
    record->digest = g_strdup(digest);
}

static void
leave(HrDouble *server)
{
    HR_LOCKED(&server->mutex);
    server->at_once--;
}

/* What a route does; false when the connection is to be closed. */
static bool
act(Connection *connection, const HrDoubleRoute *route, const char *method,
    const char *path, size_t length)
{
    HrDouble *server = connection->server;
    g_autoptr(HrHash) hash = hr_hash_new(NULL);
    bool bodiless = strcmp(method, "HEAD") == 0;

    if (route->early) {
        /* Then what the client sends is read away, so that closing does
         * not reset the connection before the answer is read. */
        answer(server, connection->fd, route, bodiless);
        shutdown(connection->fd, SHUT_WR);
        read_body(connection, length, hash);
        return false;
    }
    if (route->stuck) {
        read_body(connection, length / 2, hash);
        pause_ms(server, 60000);
        return false;
    }
    if (!read_body(connection, length, hash))
        return false;
    complete(server, method, path, hash);
    if (route->status == 0) {
        pause_ms(server, 60000);
        return false;
    }
    return answer(server, connection->fd, route, bodiless);
}

static bool
serve(Connection *connection)
{
    static const HrDoubleRoute unknown = {.status = 404};
    g_autofree char *head = read_head(connection);
    g_auto(GStrv) words = NULL;
    const HrDoubleRoute *route;
    bool go_on;

    if (head == NULL)
        return false;
    words = g_strsplit_set(head, " \r", 3);
    if (g_strv_length(words) < 3)
        return false;
    words[1][strcspn(words[1], "?")] = '\0';
    route = begin(connection->server, words[0], words[1], head);
    go_on = act(connection, route != NULL ? route : &unknown, words[0],
                words[1], body_length(head));
    leave(connection->server);
    return go_on;
}

static void *
run_connection(void *data)
{
    Connection *connection = data;

    while (serve(connection))
        continue;
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void
add_connection(HrDouble *server, int fd)
{
    int on = 1;
    HR_LOCKED(&server->mutex);
    Connection *connection;

    if (server->stopping || server->connection_count == CONNECTION_LIMIT) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection = g_new0(Connection, 1);
    connection->server = server;
    connection->fd = fd;
    server->connections[server->connection_count++] = connection;
    pthread_create(&connection->thread, NULL, run_connection, connection);
}

static void *
run_listener(void *data)
{
    HrDouble *server = data;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0)
        add_connection(server, fd);
    return NULL;
}

HrDouble *
hr_double_new(const HrDoubleRoute *routes)
{
    HrDouble *server = g_new0(HrDouble, 1);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    unsigned count = 0;

    while (routes[count].method != NULL)
        count++;
    server->routes = g_memdup2(routes, (count + 1) * sizeof *routes);
    server->uses = g_new0(unsigned, count + 1);
    server->records = g_ptr_array_new_with_free_func(free_record);
    pthread_mutex_init(&server->mutex, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, 128) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        g_error("no port for a test server");
    server->url =
        g_strdup_printf("http://127.0.0.1:%u", ntohs(address.sin_port));
    pthread_create(&server->thread, NULL, run_listener, server);
    return server;
}

static void
stop_connections(HrDouble *server)
{
    HR_LOCKED(&server->mutex);
    server->stopping = true;
    for (unsigned i = 0; i < server->connection_count; i++)
        shutdown(server->connections[i]->fd, SHUT_RDWR);
}

void
hr_double_free(HrDouble *server)
{
    if (server == NULL)
        return;
    stop_connections(server);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (unsigned i = 0; i < server->connection_count; i++) {
        pthread_join(server->connections[i]->thread, NULL);
        close(server->connections[i]->fd);
        g_free(server->connections[i]);
    }
    g_ptr_array_unref(server->records);
    pthread_mutex_destroy(&server->mutex);
    g_free(server->routes);
    g_free(server->uses);
    g_free(server->url);
    g_free(server);
}

const char *
hr_double_url(const HrDouble *server)
{
    return server->url;
}

unsigned
hr_double_begun(HrDouble *server, const char *method, const char *path)
{
    HR_LOCKED(&server->mutex);
    return find_record_locked(server, method, path)->begun;
}

unsigned
hr_double_completed(HrDouble *server, const char *method, const char *path)
{
    HR_LOCKED(&server->mutex);
    return find_record_locked(server, method, path)->completed;
}

char *
hr_double_head(HrDouble *server, const char *method, const char *path)
{
    HR_LOCKED(&server->mutex);
    return g_strdup(find_record_locked(server, method, path)->head);
}

char *
hr_double_digest(HrDouble *server, const char *method, const char *path)
{
    HR_LOCKED(&server->mutex);
    return g_strdup(find_record_locked(server, method, path)->digest);
}

unsigned
hr_double_most_at_once(HrDouble *server)
{
    HR_LOCKED(&server->mutex);
    return server->most_at_once;
}

unsigned
hr_double_connections(HrDouble *server)
{
    HR_LOCKED(&server->mutex);
    return server->connection_count;
}
