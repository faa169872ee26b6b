/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Delay proxy: a far server.  What comes in goes out a fixed time later, in
 * order, and no slower than it came.
 *
 *     client --read--> [ chunks, each with its time ] --write--> server
 *     client <-write-- [ chunks, each with its time ] <--read--- server
 *
 *     delay-proxy LISTEN_PORT SERVER_PORT DELAY_US
 *
 * A connection costs a round trip before its first byte moves, as one over
 * such a link does.  Both ends are on loopback.  It runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)

/* Under way in one direction: ten milliseconds at three gigabytes a second. */
#define QUEUE_LIMIT_BYTES (32 * 1024 * 1024)

#define CONNECTION_LIMIT 512

typedef struct Chunk {
    struct Chunk *next;
    int64_t due_us;
    size_t size; /* 0: the end of the stream */
    size_t written;
    char bytes[];
} Chunk;

typedef struct Direction {
    int from;
    int to;
    Chunk *first;
    Chunk **last;
    size_t queued_bytes;
    bool blocked; /* the last write found no room */
    bool read_over;
    bool through; /* the end was passed on */
} Direction;

typedef struct Connection {
    Direction up;
    Direction down;
    int64_t open_us; /* when its handshake would be over */
    bool broken;
} Connection;

static Connection *connections[CONNECTION_LIMIT];
static size_t connection_count;
static int64_t delay_us;

static int64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in
loopback(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port))};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int
listen_at(const char *port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, CONNECTION_LIMIT) < 0)
        die("listen");
    return fd;
}

static void
init_direction(Direction *direction, int from, int to)
{
    int on = 1;

    direction->from = from;
    direction->to = to;
    direction->last = &direction->first;
    setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void
accept_connection(int listener, const char *server_port)
{
    struct sockaddr_in address = loopback(server_port);
    int client = accept(listener, NULL, NULL);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    Connection *connection;

    if (client < 0)
        die("accept");
    if (connection_count == CONNECTION_LIMIT ||
        connect(server, (struct sockaddr *)&address, sizeof address) < 0) {
        close(client);
        close(server);
        return;
    }
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        die("memory");
    init_direction(&connection->up, client, server);
    init_direction(&connection->down, server, client);
    connection->open_us = now_us() + 2 * delay_us;
    connections[connection_count++] = connection;
}

static void
take_first(Direction *direction)
{
    Chunk *chunk = direction->first;

    direction->first = chunk->next;
    if (direction->first == NULL)
        direction->last = &direction->first;
    direction->queued_bytes -= chunk->size;
    free(chunk);
}

static void
close_connection(size_t index)
{
    Connection *connection = connections[index];

    while (connection->up.first != NULL)
        take_first(&connection->up);
    while (connection->down.first != NULL)
        take_first(&connection->down);
    close(connection->up.from);
    close(connection->up.to);
    free(connection);
    connections[index] = connections[--connection_count];
}

static void
note_failure(Connection *connection)
{
    if (errno != EAGAIN && errno != EINTR)
        connection->broken = true;
}

static void
read_some(Connection *connection, Direction *direction)
{
    static char buffer[READ_BYTES];
    ssize_t size = recv(direction->from, buffer, sizeof buffer, MSG_DONTWAIT);
    int64_t now = now_us();
    Chunk *chunk;

    if (size < 0) {
        note_failure(connection);
        return;
    }
    chunk = malloc(sizeof *chunk + (size_t)size);
    if (chunk == NULL)
        die("memory");
    if (now < connection->open_us)
        now = connection->open_us;
    *chunk = (Chunk){.due_us = now + delay_us, .size = (size_t)size};
    memcpy(chunk->bytes, buffer, (size_t)size);
    *direction->last = chunk;
    direction->last = &chunk->next;
    direction->queued_bytes += (size_t)size;
    direction->read_over = size == 0;
}

/* Writes what is due, as far as there is room. */
static void
write_due(Connection *connection, Direction *direction, int64_t now)
{
    while (direction->first != NULL && direction->first->due_us <= now) {
        Chunk *chunk = direction->first;
        size_t left = chunk->size - chunk->written;
        ssize_t size;

        if (left == 0) {
            shutdown(direction->to, SHUT_WR);
            direction->through = true;
            take_first(direction);
            return;
        }
        size = send(direction->to, chunk->bytes + chunk->written, left,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) {
            direction->blocked = errno == EAGAIN;
            note_failure(connection);
            return;
        }
        chunk->written += (size_t)size;
        if (chunk->written == chunk->size)
            take_first(direction);
    }
}

/* What to ask of the socket that `in` reads from and `out` writes to. */
static short
wanted_events(const Direction *in, const Direction *out)
{
    bool reads = !in->read_over && in->queued_bytes < QUEUE_LIMIT_BYTES;

    return (short)((reads ? POLLIN : 0) | (out->blocked ? POLLOUT : 0));
}

/* A socket that nothing is wanted from is left out: an end or an error that
 * nobody reads would be told for ever. */
static struct pollfd
poll_entry(const Direction *in, const Direction *out)
{
    short events = wanted_events(in, out);

    return (struct pollfd){.fd = events != 0 ? in->from : -1,
                           .events = events};
}

static int64_t
next_due_us(const Direction *direction, int64_t earliest)
{
    if (direction->first == NULL || direction->blocked ||
        direction->first->due_us >= earliest)
        return earliest;
    return direction->first->due_us;
}

static void
wait_for_events(struct pollfd *entries)
{
    int64_t now = now_us();
    int64_t due = now + 1000000;
    struct timespec timeout;

    for (size_t i = 0; i < connection_count; i++) {
        const Connection *connection = connections[i];

        entries[1 + 2 * i] = poll_entry(&connection->up, &connection->down);
        entries[2 + 2 * i] = poll_entry(&connection->down, &connection->up);
        due = next_due_us(&connection->up, due);
        due = next_due_us(&connection->down, due);
    }
    due = due > now ? due - now : 0;
    timeout.tv_sec = due / 1000000;
    timeout.tv_nsec = due % 1000000 * 1000;
    ppoll(entries, 1 + 2 * connection_count, &timeout, NULL);
}

static void
serve(Connection *connection, const struct pollfd *entries)
{
    Direction *up = &connection->up;
    Direction *down = &connection->down;
    int64_t now;

    if ((entries[0].revents & POLLOUT) != 0)
        down->blocked = false;
    if ((entries[1].revents & POLLOUT) != 0)
        up->blocked = false;
    if ((entries[0].revents & ~POLLOUT) != 0 && !up->read_over)
        read_some(connection, up);
    if ((entries[1].revents & ~POLLOUT) != 0 && !down->read_over)
        read_some(connection, down);
    now = now_us();
    write_due(connection, up, now);
    write_due(connection, down, now);
}

int
main(int argc, char **argv)
{
    static struct pollfd entries[1 + 2 * CONNECTION_LIMIT];

    if (argc != 4) {
        fprintf(stderr, "usage: delay-proxy LISTEN_PORT SERVER_PORT "
                        "DELAY_US\n");
        return 2;
    }
    delay_us = atoll(argv[3]);
    entries[0].fd = listen_at(argv[1]);
    entries[0].events = POLLIN;
    for (;;) {
        wait_for_events(entries);
        for (size_t i = connection_count; i > 0; i--) {
            Connection *connection = connections[i - 1];

            serve(connection, &entries[2 * i - 1]);
            if (connection->broken ||
                (connection->up.through && connection->down.through))
                close_connection(i - 1);
        }
        if ((entries[0].revents & POLLIN) != 0)
            accept_connection(entries[0].fd, argv[2]);
    }
}
