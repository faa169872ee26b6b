/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robot secrets: where a sync gets the secrets of robot accounts from, as
 * robot_secrets of the configuration says.  No registry gives them out.
 *
 *     file     PATH/PROJECT/NAME, PATH/NAME for robots of the system
 *     env      PREFIX + PROJECT_NAME, in upper case
 *     exec     a program, asked for "PROJECT/NAME"
 *     derive   from a master key (model/robot-secret.h)
 *     keep, report   nowhere: each endpoint has its own
 *
 * Used by all workers at once; what it asks for may block (exec).
 */
#ifndef HR_SYNC_ROBOT_SECRETS_H
#define HR_SYNC_ROBOT_SECRETS_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "config/config.h"

typedef struct HrRobotSecrets HrRobotSecrets;

/* Reads the master key, if there is one.  `config` is borrowed. */
HrRobotSecrets *
hr_robot_secrets_new(const HrRobotSecretsConfig *config, GError **error);

void
hr_robot_secrets_free(HrRobotSecrets *secrets);

/* True if it can tell secrets at all; NULL cannot. */
bool
hr_robot_secrets_tells(const HrRobotSecrets *secrets);

/* True if robots whose secret nobody can tell are to be listed. */
bool
hr_robot_secrets_reports(const HrRobotSecrets *secrets);

/* The version that secrets are derived with; 0: they are not derived. */
unsigned
hr_robot_secrets_version(const HrRobotSecrets *secrets);

/* The secrets of the robot with the document key `key`, as of a document
 * ({"/secret":"..."}).  NULL without error: there is none to be had.  The
 * error names the robot, and the place where its secret should be; never any of
 * it. */
HrSecret *
hr_robot_secrets_get(HrRobotSecrets *secrets, const char *key, GError **error);

/* The same with another version than the configured one; only where secrets
 * are derived. */
HrSecret *
hr_robot_secrets_get_version(HrRobotSecrets *secrets, const char *key,
                             unsigned version, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrRobotSecrets, hr_robot_secrets_free)

#endif
