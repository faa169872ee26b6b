dnl SPDX-License-Identifier: LGPL-2.1-or-later
dnl What the program needs, and how to say that it is missing.

dnl HR_DEPENDENCY(NAME, MODULE, VERSION, DEBIAN, FEDORA, ALPINE)
dnl ------------------------------------------------------------
dnl Sets NAME_CFLAGS and NAME_LIBS from pkg-config, or notes the sentence that
dnl HR_DEPENDENCIES_END prints.
AC_DEFUN([HR_DEPENDENCY], [
AS_IF([test -n "$PKG_CONFIG"],
      [PKG_CHECK_MODULES([$1], [$2 >= $3],
          [HR_HAVE_$1=`$PKG_CONFIG --modversion $2`],
          [hr_missing="$hr_missing
  $2 >= $3 not found: install $4 (Debian), $5 (Fedora) or $6 (Alpine)"])])
])

dnl HR_DEPENDENCIES_END
dnl -------------------
dnl Stops if anything was missing, with all of it in one message.
AC_DEFUN([HR_DEPENDENCIES_END], [
AS_IF([test -z "$PKG_CONFIG"],
      [hr_missing="
  pkg-config not found: install pkg-config (Debian), pkgconf-pkg-config (Fedora) or pkgconf (Alpine)"])
AS_IF([test -n "$hr_missing"],
      [AC_MSG_ERROR([cannot build without these:$hr_missing])])
])

dnl HR_REQUIRE_C11
dnl --------------
dnl Stops unless the compiler takes -std=gnu11 with atomics.
AC_DEFUN([HR_REQUIRE_C11], [
AC_MSG_CHECKING([whether $CC takes C11])
hr_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -std=gnu11"
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include <stdatomic.h>
#include <stdint.h>
#if __STDC_VERSION__ < 201112L || defined __STDC_NO_ATOMICS__
#error "older than C11"
#endif
_Static_assert(sizeof(uint64_t) == 8, "eight bytes");
]], [[atomic_int a = 0; return atomic_load(&a);]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([a C11 compiler is needed: install gcc (4.9 or later) or clang, or set CC])])
CFLAGS=$hr_save_CFLAGS
])

dnl HR_FIND_ABI_MAJOR(HEADER)
dnl -------------------------
dnl Substitutes HR_ABI_MAJOR as the header has it, for the plugin directory's
dnl name: it is written down in one place.
AC_DEFUN([HR_FIND_ABI_MAJOR], [
AC_MSG_CHECKING([for the plugin ABI's major version])
HR_ABI_MAJOR=`$SED -n 's/^#define HR_ABI_MAJOR  *\(@<:@0-9@:>@*\).*/\1/p' "$1"`
AC_MSG_RESULT([$HR_ABI_MAJOR])
AS_IF([test -z "$HR_ABI_MAJOR"],
      [AC_MSG_ERROR([$1 does not define HR_ABI_MAJOR as a number])])
AC_SUBST([HR_ABI_MAJOR])
])
