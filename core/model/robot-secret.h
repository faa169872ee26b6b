/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robot secret: what the secret of a robot account must look like, and how one
 * is derived from a master key, so that every registry of the world gets the
 * same without any having to give it out.
 *
 *     INFO = "hr-robot-secret-v1" 0 VERSION 0 LEVEL 0 PROJECT 0 NAME
 *     T(1) = HMAC-SHA-256(KEY, INFO 0x01)
 *     T(n) = HMAC-SHA-256(KEY, T(n-1) INFO n)         n one byte, up to 255
 *
 * This is HKDF-Expand of RFC 5869 with the master key as its PRK.  0 is a zero
 * byte, VERSION a decimal number, LEVEL "system" (PROJECT is empty then) or
 * "project".  Of the bytes of T(1), T(2), ... those from 248 on are left out
 * and each of the rest stands for the character of A-Z a-z 0-9 at its
 * remainder by 62; so all are equally likely.  The secret is the first group
 * of 32 such characters that has an upper and a lower case letter and a digit.
 */
#ifndef HR_MODEL_ROBOT_SECRET_H
#define HR_MODEL_ROBOT_SECRET_H

#include "base/secret.h"

/* The master key must be as long as what it makes is strong. */
#define HR_ROBOT_KEY_MINIMUM 32

/* Versions of derived secrets are from 1 to this. */
#define HR_ROBOT_VERSION_MAXIMUM 1000000

/* The secret of the robot with the document key `robot` ("NAME" of the system,
 * "PROJECT/NAME"). */
HrSecret *
hr_robot_secret_derive(const HrSecret *key, unsigned version,
                       const char *robot);

/* What is wrong with a secret, half a sentence without any of it ("has no
 * digit"); NULL if it is good: 8 to 128 characters, with an upper and a lower
 * case letter and a digit. */
const char *
hr_robot_secret_problem(const char *secret);

#endif
