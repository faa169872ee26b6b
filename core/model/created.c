/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Created: when an artifact was made, by its own word. */
#include "model/created.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "model/json.h"

#define SECOND_US INT64_C(1000000)

/* 2013-01-01T00:00:00Z */
#define FIRST_IMAGE_US (INT64_C(1356998400) * SECOND_US)

/* Reads exactly `digits` digits, and moves on. */
static bool
read_number(const char **text, unsigned digits, int *number)
{
    *number = 0;
    for (; digits > 0; digits--, (*text)++) {
        if (!g_ascii_isdigit(**text))
            return false;
        *number = *number * 10 + g_ascii_digit_value(**text);
    }
    return true;
}

static bool
read_char(const char **text, const char *wanted)
{
    if (**text == '\0' || strchr(wanted, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static int
days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01, with years that begin in March so that the leap day
 * is the last one. */
static int64_t
days_since_1970(int year, int month, int day)
{
    int64_t years = month > 2 ? year : year - 1;
    int64_t months = month > 2 ? month - 3 : month + 9;
    int64_t leaps = years / 4 - years / 100 + years / 400;

    return years * 365 + leaps + (153 * months + 2) / 5 + day - 1 - 719468;
}

static bool
read_date(const char **text, int64_t *days)
{
    int year;
    int month;
    int day;

    if (!read_number(text, 4, &year) || !read_char(text, "-") ||
        !read_number(text, 2, &month) || !read_char(text, "-") ||
        !read_number(text, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month))
        return false;
    *days = days_since_1970(year, month, day);
    return true;
}

/* The time of a day, with as many digits after the point as they like. */
static bool
read_time(const char **text, int64_t *time_us)
{
    int64_t unit = SECOND_US;
    int hour;
    int minute;
    int second;

    if (!read_number(text, 2, &hour) || !read_char(text, ":") ||
        !read_number(text, 2, &minute) || !read_char(text, ":") ||
        !read_number(text, 2, &second))
        return false;
    /* 60 is a leap second. */
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *time_us = ((hour * 60 + minute) * INT64_C(60) + second) * SECOND_US;
    if (!read_char(text, "."))
        return true;
    if (!g_ascii_isdigit(**text))
        return false;
    for (; g_ascii_isdigit(**text); (*text)++) {
        unit /= 10;
        *time_us += unit * g_ascii_digit_value(**text);
    }
    return true;
}

static bool
read_offset(const char **text, int64_t *offset_us)
{
    bool before = **text == '-';
    int hours;
    int minutes;

    *offset_us = 0;
    if (read_char(text, "Zz"))
        return true;
    if (!read_char(text, "+-") || !read_number(text, 2, &hours) ||
        !read_char(text, ":") || !read_number(text, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *offset_us = (hours * 60 + minutes) * INT64_C(60) * SECOND_US;
    if (before)
        *offset_us = -*offset_us;
    return true;
}

int64_t
hr_created_parse(const char *text)
{
    int64_t days;
    int64_t time_us;
    int64_t offset_us;
    int64_t created_us;

    if (text == NULL || !read_date(&text, &days) || !read_char(&text, "Tt ") ||
        !read_time(&text, &time_us) || !read_offset(&text, &offset_us) ||
        *text != '\0')
        return HR_CREATED_UNKNOWN;
    created_us = days * 86400 * SECOND_US + time_us - offset_us;
    return created_us >= FIRST_IMAGE_US ? created_us : HR_CREATED_UNKNOWN;
}

int64_t
hr_created_of_config(const char *text, size_t size)
{
    g_autoptr(HrJson) json = hr_json_parse(text, size, NULL);

    return hr_created_parse(hr_json_text(hr_json_get(json, "created")));
}
