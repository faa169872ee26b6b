/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry-After and HTTP dates, read strictly. */
#include "guard/retry-after.h"

#include <glib.h>
#include <string.h>

#define DAY_SECONDS 86400

/* A wait longer than this is no wait: it only must not overflow. */
#define WAIT_MAXIMUM_S (INT64_C(100) * 365 * DAY_SECONDS)

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

static const char *const long_days[] = {"Sunday",    "Monday",   "Tuesday",
                                        "Wednesday", "Thursday", "Friday",
                                        "Saturday"};

typedef struct Date {
    int year;
    int month; /* 0..11 */
    int day;
    int hour;
    int minute;
    int second;
    int weekday; /* as written, 0 is Sunday */
} Date;

/* Takes `count` digits; false if there are none. */
static bool
take_number(const char **text, unsigned count, int *number)
{
    *number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!g_ascii_isdigit((*text)[i]))
            return false;
        *number = *number * 10 + ((*text)[i] - '0');
    }
    *text += count;
    return true;
}

static bool
take_text(const char **text, const char *expected)
{
    size_t length = strlen(expected);

    if (strncmp(*text, expected, length) != 0)
        return false;
    *text += length;
    return true;
}

/* One of several names of three letters. */
static bool
take_name(const char **text, const char *names, int *index)
{
    for (int i = 0; names[3 * i] != '\0'; i++)
        if (strncmp(*text, &names[3 * i], 3) == 0) {
            *text += 3;
            *index = i;
            return true;
        }
    return false;
}

static bool
take_time(const char **text, Date *date)
{
    return take_number(text, 2, &date->hour) && take_text(text, ":") &&
           take_number(text, 2, &date->minute) && take_text(text, ":") &&
           take_number(text, 2, &date->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool
read_imf_fixdate(const char *text, Date *date)
{
    return take_name(&text, days, &date->weekday) && take_text(&text, ", ") &&
           take_number(&text, 2, &date->day) && take_text(&text, " ") &&
           take_name(&text, months, &date->month) && take_text(&text, " ") &&
           take_number(&text, 4, &date->year) && take_text(&text, " ") &&
           take_time(&text, date) && take_text(&text, " GMT") && *text == '\0';
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
read_rfc850(const char *text, Date *date)
{
    date->weekday = -1;
    for (int i = 0; i < (int)G_N_ELEMENTS(long_days); i++)
        if (take_text(&text, long_days[i])) {
            date->weekday = i;
            break;
        }
    if (date->weekday < 0 || !take_text(&text, ", ") ||
        !take_number(&text, 2, &date->day) || !take_text(&text, "-") ||
        !take_name(&text, months, &date->month) || !take_text(&text, "-") ||
        !take_number(&text, 2, &date->year) || !take_text(&text, " ") ||
        !take_time(&text, date) || !take_text(&text, " GMT") || *text != '\0')
        return false;
    date->year += date->year >= 70 ? 1900 : 2000;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
read_asctime(const char *text, Date *date)
{
    if (!take_name(&text, days, &date->weekday) || !take_text(&text, " ") ||
        !take_name(&text, months, &date->month) || !take_text(&text, " "))
        return false;
    if (take_text(&text, " ")) {
        if (!take_number(&text, 1, &date->day))
            return false;
    } else if (!take_number(&text, 2, &date->day)) {
        return false;
    }
    return take_text(&text, " ") && take_time(&text, date) &&
           take_text(&text, " ") && take_number(&text, 4, &date->year) &&
           *text == '\0';
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_of_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};

    return lengths[month] + (month == 1 && is_leap(year));
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t
count_days(const Date *date)
{
    int64_t before = date->year - 1;
    int64_t count = before * 365 + before / 4 - before / 100 + before / 400;

    for (int month = 0; month < date->month; month++)
        count += days_of_month(date->year, month);
    return count + date->day - 1 - 719162;
}

/* A second of 60 is a leap second. */
static bool
is_possible(const Date *date)
{
    return date->year >= 1 && date->day >= 1 &&
           date->day <= days_of_month(date->year, date->month) &&
           date->hour <= 23 && date->minute <= 59 && date->second <= 60 &&
           ((count_days(date) % 7 + 7 + 4) % 7) == date->weekday;
}

bool
hr_http_date_parse(const char *text, int64_t *unix_s)
{
    Date date;

    if (!read_imf_fixdate(text, &date) && !read_rfc850(text, &date) &&
        !read_asctime(text, &date))
        return false;
    if (!is_possible(&date))
        return false;
    *unix_s = count_days(&date) * DAY_SECONDS + date.hour * 3600 +
              date.minute * 60 + date.second;
    return true;
}

char *
hr_http_date_format(int64_t unix_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(unix_s);
    int weekday;

    if (time == NULL)
        return NULL;
    weekday = g_date_time_get_day_of_week(time) % 7;
    return g_strdup_printf(
        "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", &days[3 * weekday],
        g_date_time_get_day_of_month(time),
        &months[3 * (g_date_time_get_month(time) - 1)],
        g_date_time_get_year(time), g_date_time_get_hour(time),
        g_date_time_get_minute(time), g_date_time_get_second(time));
}

static bool
read_seconds(const char *value, int64_t *seconds)
{
    size_t digits = strspn(value, "0123456789");

    if (digits == 0 || value[digits] != '\0')
        return false;
    *seconds = digits > 15 ? WAIT_MAXIMUM_S : g_ascii_strtoll(value, NULL, 10);
    return true;
}

bool
hr_retry_after_parse(const char *value, const char *date, int64_t wall_s,
                     int64_t *wait_us)
{
    g_autofree char *text = g_strstrip(g_strdup(value));
    int64_t seconds;
    int64_t there = wall_s;

    if (!read_seconds(text, &seconds)) {
        if (!hr_http_date_parse(text, &seconds))
            return false;
        if (date != NULL)
            hr_http_date_parse(date, &there);
        seconds -= there;
    }
    *wait_us = CLAMP(seconds, 0, WAIT_MAXIMUM_S) * G_USEC_PER_SEC;
    return true;
}
