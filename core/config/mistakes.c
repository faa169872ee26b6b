/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mistakes: everything that is wrong with a configuration, told at once. */
#include "config/mistakes.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

typedef struct Mistake {
    char *file;
    unsigned line;
    unsigned order; /* in which it was found */
    bool included;  /* from a file that the main one includes */
    char *text;
} Mistake;

struct HrMistakes {
    char *path;
    GPtrArray *list; /* Mistake */
};

static void
free_mistake(gpointer data)
{
    Mistake *mistake = data;

    g_free(mistake->file);
    g_free(mistake->text);
    g_free(mistake);
}

HrMistakes *
hr_mistakes_new(const char *path)
{
    HrMistakes *mistakes = g_new0(HrMistakes, 1);

    mistakes->path = g_strdup(path);
    mistakes->list = g_ptr_array_new_with_free_func(free_mistake);
    return mistakes;
}

void
hr_mistakes_free(HrMistakes *mistakes)
{
    if (mistakes == NULL)
        return;
    g_ptr_array_unref(mistakes->list);
    g_free(mistakes->path);
    g_free(mistakes);
}

static bool
is_known(const HrMistakes *mistakes, const char *text)
{
    for (guint i = 0; i < mistakes->list->len; i++)
        if (strcmp(((Mistake *)mistakes->list->pdata[i])->text, text) == 0)
            return true;
    return false;
}

void
hr_mistakes_add(HrMistakes *mistakes, const char *file, unsigned line,
                const char *place, const char *message)
{
    bool placed = place != NULL && *place != '\0';
    g_autofree char *raw =
        g_strdup_printf("%s:%u: %s%s%s", file, line, placed ? place : "",
                        placed ? ": " : "", message);
    g_autofree char *text = hr_text_one_line(raw);
    Mistake *mistake;

    if (is_known(mistakes, text))
        return;
    mistake = g_new0(Mistake, 1);
    mistake->file = g_strdup(file);
    mistake->line = line;
    mistake->order = mistakes->list->len;
    mistake->included = strcmp(file, mistakes->path) != 0;
    mistake->text = g_steal_pointer(&text);
    g_ptr_array_add(mistakes->list, mistake);
}

static gint
order_mistakes(gconstpointer left, gconstpointer right)
{
    const Mistake *one = *(const Mistake *const *)left;
    const Mistake *other = *(const Mistake *const *)right;
    int files = strcmp(one->file, other->file);

    if (one->included != other->included)
        return one->included ? 1 : -1;
    if (files != 0)
        return files;
    if (one->line != other->line)
        return one->line < other->line ? -1 : 1;
    return one->order < other->order ? -1 : 1;
}

char *
hr_mistakes_text(const HrMistakes *mistakes)
{
    GString *text;

    if (mistakes->list->len == 0)
        return NULL;
    g_ptr_array_sort(mistakes->list, order_mistakes);
    text = g_string_new(NULL);
    for (guint i = 0; i < mistakes->list->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "",
                               ((Mistake *)mistakes->list->pdata[i])->text);
    return g_string_free(text, false);
}
