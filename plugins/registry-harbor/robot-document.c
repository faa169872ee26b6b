/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robot accounts as documents and as bodies. */
#include "robot-document.h"

#include <string.h>

#include "document.h"
#include "robot-rights.h"
#include "texts.h"

const char *
harbor_robot_short_name(const char *full, const char *prefix,
                        const char *project)
{
    const char *plus = strrchr(full, '+');
    size_t length;

    if (project == NULL) {
        length = strlen(prefix);
        return strncmp(full, prefix, length) == 0 && full[length] != '\0'
                   ? full + length
                   : NULL;
    }
    /* Robots of Harbor 1.x have no prefix, and a prefix may change between
     * two requests: the project is enough. */
    length = strlen(project);
    if (plus == NULL || plus[1] == '\0' || (size_t)(plus - full) < length ||
        strncmp(plus - length, project, length) != 0)
        return NULL;
    return plus + 1;
}

char *
harbor_robot_stored_name(const char *key)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;

    return harbor_key_split(key, &project, &name)
               ? harbor_text("%s+%s", project, name)
               : harbor_text("%s", name);
}

char *
harbor_robot_full_name(const char *prefix, const char *key)
{
    HARBOR_AUTOFREE char *stored = harbor_robot_stored_name(key);

    return harbor_text("%s%s", prefix, stored);
}

int
harbor_robot_unfinished(const json_t *robot)
{
    return strcmp(harbor_json_text(robot, "description", ""),
                  HARBOR_ROBOT_UNFINISHED) == 0;
}

json_t *
harbor_robot_document_of(const char *description, int64_t duration,
                         int disabled, json_t *permissions)
{
    json_t *document = json_object();

    if (*description != '\0')
        json_object_set_new(document, "description", json_string(description));
    json_object_set_new(document, "duration", json_integer(duration));
    if (disabled)
        json_object_set_new(document, "disabled", json_true());
    json_object_set_new(document, "permissions", permissions);
    return document;
}

json_t *
harbor_robot_document(const json_t *robot)
{
    return harbor_robot_document_of(
        harbor_json_text(robot, "description", ""),
        harbor_json_number(robot, "duration", 0),
        harbor_json_flag(robot, "disable", false),
        harbor_rights_sorted(json_object_get(robot, "permissions")));
}

/* What POST and PUT have in common. */
static json_t *
start_body(const char *name, const char *key, const json_t *document,
           int stage)
{
    const char *level = strchr(key, '/') != NULL ? "project" : "system";
    const char *description =
        stage == HARBOR_ROBOT_AS_UNFINISHED
            ? HARBOR_ROBOT_UNFINISHED
            : harbor_json_text(document, "description", "");
    json_t *body = json_object();

    json_object_set_new(body, "name", json_string(name));
    json_object_set_new(body, "level", json_string(level));
    json_object_set_new(body, "description", json_string(description));
    json_object_set_new(
        body, "duration",
        json_integer(harbor_json_number(document, "duration", 0)));
    json_object_set_new(
        body, "permissions",
        harbor_rights_sorted(json_object_get(document, "permissions")));
    return body;
}

json_t *
harbor_robot_create_body(const char *key, const json_t *document, int stage)
{
    const char *slash = strchr(key, '/');

    return start_body(slash != NULL ? slash + 1 : key, key, document, stage);
}

json_t *
harbor_robot_update_body(const char *full, const char *key,
                         const json_t *document, int stage)
{
    json_t *body = start_body(full, key, document, stage);

    json_object_set_new(
        body, "disable",
        json_boolean(harbor_json_flag(document, "disabled", false)));
    return body;
}
