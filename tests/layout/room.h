/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room: a fresh directory with a registry in it, for one test. */
#ifndef ROOM_H
#define ROOM_H

#include "fake-host.h"

typedef struct Room {
    char *base; /* removed at the end              */
    char *path; /* the registry: BASE/registry     */
    hr_registry *registry;
    hr_call call;
} Room;

/* The table of the plugin under test. */
extern const hr_registry_ops *room_ops;

void
room_start(void);

void
room_enter(Room *room);

void
room_leave(Room *room);

/* Opens another instance on the same directory. */
hr_registry *
room_open_again(const Room *room);

/* Closes the registry and opens it anew: nothing is remembered. */
void
room_reopen(Room *room);

/* "PATH/format"; the caller's. */
G_GNUC_PRINTF(2, 3) char *room_path(const Room *room, const char *format, ...);

/* Writes over the file as it is, without care. */
void
room_scribble(const Room *room, const char *name, const char *text,
              gssize size);

/* Stores an artifact of one layer; the caller's manifest digest. */
char *
room_push(Room *room, const char *repository, const char *tag,
          const char *layer);

/* Text of a manifest with that layer and config "{}". */
char *
room_manifest(const char *layer, const char *extra);

/* Runs `run` in a child process with a mount namespace of its own; false if
 * that is not possible here. */
bool
room_run_apart(void (*run)(Room *room), Room *room);

/* Runs `run` in a child process and checks that it ends well. */
void
room_run_child(void (*run)(Room *room), Room *room);

/* Asserts that the call failed with that text in its sentence. */
void
room_assert_said(const Room *room, const char *text);

#endif
