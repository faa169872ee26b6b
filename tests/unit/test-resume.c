/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast an endpoint is asked again after it was away. */
#include "guard/resume.h"

#include <glib.h>

#define SECOND_US INT64_C(1000000)

/* `per_s` answers a second for that long. */
static int64_t
answer(HrResume *resume, int64_t now_us, int per_s, int seconds)
{
    for (int i = 0; i < per_s * seconds; i++) {
        now_us += SECOND_US / per_s;
        hr_resume_answered(resume, now_us);
    }
    return now_us;
}

static void
test_unpaced(void)
{
    HrResume resume;
    int64_t now;

    hr_resume_init(&resume, 0);
    g_assert_cmpfloat(hr_resume_pace(&resume, 0), ==, 0);
    now = answer(&resume, 0, 80, 60);
    g_assert_cmpfloat(hr_resume_pace(&resume, now), ==, 0);
}

static void
test_pace(void)
{
    HrResume resume;
    int64_t now;
    int64_t back;

    hr_resume_init(&resume, 0);
    now = answer(&resume, 0, 80, 60);
    /* How long it was away says nothing about how much it can do. */
    back = now + 3600 * SECOND_US;
    hr_resume_back(&resume, back);
    g_assert_cmpfloat_with_epsilon(hr_resume_pace(&resume, back), 80, 1);
    now = answer(&resume, back, 20, 30);
    g_assert_cmpfloat_with_epsilon(hr_resume_pace(&resume, now), 80, 2);
    now += 7 * SECOND_US;
    g_assert_cmpfloat(hr_resume_pace(&resume, now), >=, 1.9 * 78);
    now += 30 * SECOND_US;
    g_assert_cmpfloat(hr_resume_pace(&resume, now), ==, 0);
    g_assert_cmpint(resume.back_us, ==, INT64_MIN);
}

static void
test_unknown(void)
{
    HrResume resume;

    hr_resume_init(&resume, 0);
    hr_resume_back(&resume, SECOND_US);
    g_assert_cmpfloat(hr_resume_pace(&resume, SECOND_US), ==, 50);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resume/limits-nobody-who-was-never-away", test_unpaced);
    g_test_add_func("/resume/goes-as-fast-as-before-and-then-faster",
                    test_pace);
    g_test_add_func("/resume/asks-the-unknown-with-care", test_unknown);
    return g_test_run();
}
