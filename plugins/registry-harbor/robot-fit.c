/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a Harbor cannot hold of a robot. */
#include <string.h>

#include "document.h"
#include "fit.h"
#include "robot-document.h"
#include "robot-rights.h"
#include "texts.h"

/* Harbor stores names and descriptions of so many characters. */
#define NAME_LIMIT 255u
#define DESCRIPTION_LIMIT 1024u

/* Longest duration, in days. */
#define DURATION_LIMIT 2147483646

/* One robot that is fitted. */
typedef struct Fitting {
    const HarborRobotLimits *limits;
    hr_document_fit *fit;
    const json_t *document; /* as it is wanted                            */
    const char *project;    /* NULL: of system level                      */
    const char *name;       /* short                                      */
} Fitting;

/* As Harbor checks it: ^[a-z0-9]+(?:[._-][a-z0-9]+)*$ */
static int
is_robot_name(const char *name)
{
    int wants_letter = 1;

    for (; *name != '\0'; name++) {
        if ((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9'))
            wants_letter = 0;
        else if (wants_letter || strchr("._-", *name) == NULL)
            return 0;
        else
            wants_letter = 1;
    }
    return !wants_letter;
}

static int
check_name(const Fitting *fitting)
{
    HARBOR_AUTOFREE char *stored = harbor_robot_stored_name(fitting->fit->key);

    if (!is_robot_name(fitting->name))
        return harbor_fit_refuse(
            fitting->fit,
            "a robot is named with lower case letters and digits, "
            "and . _ - between them");
    if (harbor_text_length(stored) > NAME_LIMIT)
        return harbor_fit_refuse(
            fitting->fit, "its name is longer than %u characters", NAME_LIMIT);
    if (harbor_text_length(harbor_json_text(fitting->document, "description",
                                            "")) > DESCRIPTION_LIMIT)
        return harbor_fit_refuse(fitting->fit,
                                 "/description is longer than %u characters",
                                 DESCRIPTION_LIMIT);
    return 1;
}

static int
check_duration(const Fitting *fitting)
{
    int64_t days = harbor_json_number(fitting->document, "duration", 0);

    if (days == -1 || (days > 0 && days <= DURATION_LIMIT))
        return 1;
    return harbor_fit_refuse(
        fitting->fit,
        "/duration is a number of days, or -1: a robot without one "
        "gets whatever term is the default here");
}

static int
check_permission(const Fitting *fitting, size_t index,
                 const json_t *permission)
{
    const char *kind = harbor_json_text(permission, "kind", "");
    const char *namespace = harbor_json_text(permission, "namespace", "");
    int of_project = strcmp(kind, "project") == 0;

    if (fitting->project != NULL &&
        (!of_project || strcmp(namespace, fitting->project) != 0))
        return harbor_fit_refuse(
            fitting->fit,
            "/permissions/%zu: a robot of a project has rights of "
            "kind \"project\" in \"%.100s\" and nowhere else",
            index, fitting->project);
    if (of_project
            ? *namespace == '\0'
            : strcmp(kind, "system") != 0 || strcmp(namespace, "/") != 0)
        return harbor_fit_refuse(
            fitting->fit,
            "/permissions/%zu: rights are of kind \"project\" in a "
            "project or in \"*\", or of kind \"system\" in \"/\"",
            index);
    return 1;
}

static void
say_unknown(const Fitting *fitting, size_t permission, size_t access,
            const json_t *right)
{
    HARBOR_AUTOFREE char *pointer =
        harbor_text("/permissions/%zu/access/%zu", permission, access);

    harbor_fit_lacks(fitting->fit, pointer,
                     "%s knows no \"%s\" of \"%s\" among the rights of robots",
                     fitting->limits->product,
                     harbor_json_text(right, "action", ""),
                     harbor_json_text(right, "resource", ""));
}

/* Leaves of a permission what the catalogue knows. */
static json_t *
keep_known(const Fitting *fitting, size_t index, const json_t *permission)
{
    const json_t *catalogue = fitting->limits->catalogue;
    const json_t *accesses = json_object_get(permission, "access");
    const char *kind = harbor_json_text(permission, "kind", "");
    json_t *known = json_array();
    json_t *kept = json_object();

    for (size_t i = 0; i < json_array_size(accesses); i++) {
        json_t *access = json_array_get(accesses, i);

        if (catalogue == NULL || harbor_rights_known(catalogue, kind, access))
            json_array_append(known, access);
        else
            say_unknown(fitting, index, i, access);
    }
    json_object_set_new(kept, "kind", json_string(kind));
    json_object_set_new(
        kept, "namespace",
        json_string(harbor_json_text(permission, "namespace", "")));
    json_object_set_new(kept, "access", known);
    return kept;
}

/* Harbor 2.9 stores them and does not heed them. */
static void
say_idle_rights(const Fitting *fitting, const json_t *permissions)
{
    int system = 0;

    for (size_t i = 0; i < json_array_size(permissions); i++)
        system |= strcmp(harbor_json_text(json_array_get(permissions, i),
                                          "kind", ""),
                         "system") == 0;
    if (!system || fitting->limits->minor >= 10)
        return;
    for (size_t i = 0; i < json_array_size(permissions); i++) {
        HARBOR_AUTOFREE char *pointer = harbor_text("/permissions/%zu", i);

        if (strcmp(
                harbor_json_text(json_array_get(permissions, i), "kind", ""),
                "project") == 0)
            harbor_fit_lacks(fitting->fit, pointer,
                             "%s holds it, and does not heed rights in "
                             "projects beside rights of kind \"system\"",
                             fitting->limits->product);
    }
}

/* Permissions as they can be here, sorted; NULL if one cannot. */
static json_t *
fit_permissions(const Fitting *fitting)
{
    const json_t *permissions =
        json_object_get(fitting->document, "permissions");
    json_t *kept = json_array();
    json_t *sorted;

    for (size_t i = 0; i < json_array_size(permissions); i++) {
        const json_t *permission = json_array_get(permissions, i);

        if (!check_permission(fitting, i, permission)) {
            json_decref(kept);
            return NULL;
        }
        json_array_append_new(kept, keep_known(fitting, i, permission));
    }
    sorted = harbor_rights_sorted(kept);
    json_decref(kept);
    return sorted;
}

/* The document with these permissions, which are taken. */
static json_t *
document_with(const Fitting *fitting, json_t *permissions)
{
    return harbor_robot_document_of(
        harbor_json_text(fitting->document, "description", ""),
        harbor_json_number(fitting->document, "duration", 0),
        harbor_json_flag(fitting->document, "disabled", false), permissions);
}

/* 1 if it is there as it is wanted, whatever Harbor would say to it today: a
 * right that an older version gave, or none since its projects are gone. */
static int
is_there(const Fitting *fitting, const json_t *wanted)
{
    const char *found = fitting->fit->found;
    json_t *there = found != NULL ? harbor_text_read(found) : NULL;
    int same = there != NULL && json_equal(there, wanted);

    json_decref(there);
    return same;
}

/* Harbor takes no body without any. */
static int
check_some_rights(const Fitting *fitting, const json_t *permissions)
{
    if (json_array_size(permissions) > 0)
        return 1;
    if (json_array_size(json_object_get(fitting->document, "permissions")) > 0)
        return harbor_fit_refuse(fitting->fit,
                                 "none of its rights can be had here");
    return harbor_fit_refuse(fitting->fit,
                             "it has no rights (the projects that they were "
                             "for are gone), and Harbor writes no robot "
                             "without any");
}

static void
fit_writing(const Fitting *fitting)
{
    json_t *permissions;

    if (!check_name(fitting) || !check_duration(fitting))
        return;
    permissions = fit_permissions(fitting);
    if (permissions == NULL)
        return;
    if (check_some_rights(fitting, permissions))
        harbor_fit_take(fitting->fit, document_with(fitting, permissions));
    else
        json_decref(permissions);
}

static void
fit_document(const Fitting *fitting)
{
    static const char *const members[] = {"description", "disabled",
                                          "duration", "permissions", NULL};
    const json_t *permissions =
        json_object_get(fitting->document, "permissions");
    json_t *wanted = document_with(fitting, harbor_rights_sorted(permissions));

    harbor_fit_members(fitting->fit, fitting->document, members);
    say_idle_rights(fitting, permissions);
    if (is_there(fitting, wanted)) {
        harbor_fit_take(fitting->fit, wanted);
        return;
    }
    json_decref(wanted);
    fit_writing(fitting);
}

void
harbor_robot_fit(const HarborRobotLimits *limits, hr_document_fit *fit)
{
    HARBOR_AUTOFREE char *project = NULL;
    json_t *document = harbor_text_read(fit->text);
    Fitting fitting = {
        .limits = limits,
        .fit = fit,
        .document = document,
    };

    harbor_fit_begin(fit);
    harbor_key_split(fit->key, &project, &fitting.name);
    fitting.project = project;
    fit_document(&fitting);
    json_decref(document);
}
