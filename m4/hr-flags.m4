dnl SPDX-License-Identifier: LGPL-2.1-or-later
dnl Flags of compiler and linker, each used only where it works.  CFLAGS and
dnl LDFLAGS stay the user's: what is found goes into HR_CFLAGS, HR_CPPFLAGS,
dnl HR_LDFLAGS and the HR_PIE_* and HR_DEFS_* of those who want them.

dnl HR_TRY_CFLAG(FLAG, [VARIABLE = HR_CFLAGS], [TEST-FLAG = FLAG])
dnl --------------------------------------------------------------
dnl gcc takes any -Wno-NAME without a word, so test those by -WNAME.
AC_DEFUN([HR_TRY_CFLAG], [
AS_VAR_PUSHDEF([hr_cache], [hr_cv_cflag_$1])
AC_CACHE_CHECK([whether $CC takes $1], [hr_cache],
    [hr_save_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS -Werror m4_default([$3], [$1])"
     AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
                       [AS_VAR_SET([hr_cache], [yes])],
                       [AS_VAR_SET([hr_cache], [no])])
     CFLAGS=$hr_save_CFLAGS])
AS_VAR_IF([hr_cache], [yes],
          [AS_VAR_APPEND(m4_default([$2], [HR_CFLAGS]), [" $1"])])
AS_VAR_POPDEF([hr_cache])
])

dnl HR_TRY_LDFLAG(FLAG, [VARIABLE = HR_LDFLAGS], [EXTRA-CFLAGS])
dnl ------------------------------------------------------------
AC_DEFUN([HR_TRY_LDFLAG], [
AS_VAR_PUSHDEF([hr_cache], [hr_cv_ldflag_$1])
AC_CACHE_CHECK([whether the linker takes $1], [hr_cache],
    [hr_save_CFLAGS=$CFLAGS
     hr_save_LDFLAGS=$LDFLAGS
     CFLAGS="$CFLAGS -Werror $3"
     LDFLAGS="$LDFLAGS $1"
     AC_LINK_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
                    [AS_VAR_SET([hr_cache], [yes])],
                    [AS_VAR_SET([hr_cache], [no])])
     CFLAGS=$hr_save_CFLAGS
     LDFLAGS=$hr_save_LDFLAGS])
AS_VAR_IF([hr_cache], [yes],
          [AS_VAR_APPEND(m4_default([$2], [HR_LDFLAGS]), [" $1"])])
AS_VAR_POPDEF([hr_cache])
])

dnl HR_ARG_COVERAGE
dnl ---------------
AC_DEFUN([HR_ARG_COVERAGE], [
AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage],
                    [count executed lines; see make coverage])],
    [], [enable_coverage=no])
AS_IF([test "X$enable_coverage" != Xno],
      [HR_TRY_CFLAG([--coverage], [HR_INSTRUMENT])
       AS_IF([test -z "$HR_INSTRUMENT"],
             [AC_MSG_ERROR([$CC knows no --coverage: use gcc or clang])])
       HR_TRY_CFLAG([-fprofile-update=atomic], [HR_INSTRUMENT])])
AM_CONDITIONAL([HR_COVERAGE], [test "X$enable_coverage" != Xno])
])

dnl HR_ARG_SANITIZERS
dnl -----------------
AC_DEFUN([HR_ARG_SANITIZERS], [
AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers=LIST],
                    [instrument with the sanitizers of LIST: thread, or any
                     of address,undefined,leak (default LIST:
                     address,undefined)])],
    [], [enable_sanitizers=no])
AS_CASE(["$enable_sanitizers"],
        [yes], [HR_SANITIZERS=address,undefined],
        [no|''], [HR_SANITIZERS=],
        [HR_SANITIZERS=$enable_sanitizers])
hr_save_IFS=$IFS; IFS=,
for hr_one in $HR_SANITIZERS; do
  AS_CASE(["$hr_one"],
          [address|undefined|leak|thread], [],
          [IFS=$hr_save_IFS
           AC_MSG_ERROR([--enable-sanitizers: "$hr_one" is none of address, undefined, leak, thread])])
done
IFS=$hr_save_IFS
AS_CASE([",$HR_SANITIZERS,"],
        [*,thread,*address,*|*,address,*thread,*|*,thread,*leak,*|*,leak,*thread,*],
        [AC_MSG_ERROR([--enable-sanitizers: thread works with neither address nor leak: make two builds])])
AS_IF([test -n "$HR_SANITIZERS"],
      [HR_TRY_LDFLAG([-fsanitize=$HR_SANITIZERS], [hr_sanitize])
       AS_IF([test -z "$hr_sanitize"],
             [AC_MSG_ERROR([$CC cannot link with -fsanitize=$HR_SANITIZERS: install its sanitizer libraries (libasan, libubsan, libtsan)])])
       AS_VAR_APPEND([HR_INSTRUMENT], ["$hr_sanitize"])
       HR_TRY_CFLAG([-fno-omit-frame-pointer])
       HR_TRY_CFLAG([-fno-sanitize-recover=all])])
AC_SUBST([HR_SANITIZERS])
AC_SUBST([HR_INSTRUMENT])
])

dnl HR_IF_PREPROCESSED(CONDITION, IF-TRUE, IF-FALSE)
dnl ------------------------------------------------
dnl Asks the preprocessor, with the user's flags.
AC_DEFUN([HR_IF_PREPROCESSED], [
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if !($1)
#error "no"
#endif
int main(void) { return 0; }
]])], [$2], [$3])
])

dnl HR_FORTIFY
dnl ----------
dnl -D_FORTIFY_SOURCE=2 where it means something: it needs optimisation, and
dnl its checked functions hide the originals from the sanitizers.  A compiler
dnl or a user that already chose a level keeps it.
AC_DEFUN([HR_FORTIFY], [
AC_MSG_CHECKING([for -D_FORTIFY_SOURCE])
AS_IF([test -n "$HR_SANITIZERS"],
      [HR_IF_PREPROCESSED([defined _FORTIFY_SOURCE],
          [AS_VAR_APPEND([HR_CPPFLAGS], [" -U_FORTIFY_SOURCE"])])
       AC_MSG_RESULT([off, because of the sanitizers])],
      [HR_IF_PREPROCESSED([defined _FORTIFY_SOURCE],
          [AC_MSG_RESULT([as the compiler has it])],
          [HR_IF_PREPROCESSED([defined __OPTIMIZE__],
              [AS_VAR_APPEND([HR_CPPFLAGS], [" -D_FORTIFY_SOURCE=2"])
               AC_MSG_RESULT([2])],
              [AC_MSG_RESULT([off, because nothing is optimised])])])])
])

dnl HR_HARDENING
dnl ------------
AC_DEFUN([HR_HARDENING], [
HR_FORTIFY
HR_TRY_CFLAG([-fvisibility=hidden])
HR_TRY_CFLAG([-fstack-protector-strong])
HR_TRY_CFLAG([-fstack-clash-protection])
HR_TRY_CFLAG([-fcf-protection])
HR_TRY_LDFLAG([-Wl,-z,relro])
HR_TRY_LDFLAG([-Wl,-z,now])
HR_TRY_LDFLAG([-Wl,-z,noexecstack])
HR_TRY_CFLAG([-fPIE], [HR_PIE_CFLAGS])
HR_TRY_LDFLAG([-pie], [HR_PIE_LDFLAGS], [-fPIE])
AS_IF([test -z "$HR_PIE_CFLAGS" || test -z "$HR_PIE_LDFLAGS"],
      [HR_PIE_CFLAGS= HR_PIE_LDFLAGS=])
# A plugin links nothing of ours, so nothing may stay undefined in it.  The
# sanitizers' own symbols do: clang leaves them to the program.
AS_IF([test -z "$HR_SANITIZERS"],
      [HR_TRY_LDFLAG([-Wl,-z,defs], [HR_DEFS_LDFLAGS])])
AC_SUBST([HR_CPPFLAGS])
AC_SUBST([HR_LDFLAGS])
AC_SUBST([HR_PIE_CFLAGS])
AC_SUBST([HR_PIE_LDFLAGS])
AC_SUBST([HR_DEFS_LDFLAGS])
])

dnl HR_WARNINGS
dnl -----------
AC_DEFUN([HR_WARNINGS], [
m4_foreach_w([hr_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wnested-externs
    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla
    -Wlogical-op -Wduplicated-cond -Wdate-time],
    [HR_TRY_CFLAG(m4_defn([hr_flag]), [HR_WARN_CFLAGS])])
HR_TRY_CFLAG([-Wno-missing-field-initializers], [HR_WARN_CFLAGS],
             [-Wmissing-field-initializers])
AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
    [], [enable_werror=no])
AS_IF([test "X$enable_werror" != Xno],
      [AS_VAR_APPEND([HR_WARN_CFLAGS], [" -Werror"])])
AC_SUBST([HR_CFLAGS])
AC_SUBST([HR_WARN_CFLAGS])
])

dnl HR_SUMMARY
dnl ----------
AC_DEFUN([HR_SUMMARY], [
eval "hr_bindir=$bindir"; eval "hr_bindir=$hr_bindir"
eval "hr_libdir=$libdir"; eval "hr_libdir=$hr_libdir"
AS_CASE(["$hr_bindir"], [NONE/*],
    [hr_bindir=`AS_ECHO(["$hr_bindir"]) | $SED "s|^NONE|$ac_default_prefix|"`])
AS_CASE(["$hr_libdir"], [NONE/*],
    [hr_libdir=`AS_ECHO(["$hr_libdir"]) | $SED "s|^NONE|$ac_default_prefix|"`])
AC_MSG_NOTICE([
  $PACKAGE_STRING

  program        $hr_bindir/$PACKAGE
  plugins        $hr_libdir/$PACKAGE/plugins-$HR_ABI_MAJOR
  compiler       $CC $CFLAGS
  libraries      GLib $HR_HAVE_GLIB, libcurl $HR_HAVE_CURL, jansson $HR_HAVE_JANSSON,
                 libconfig $HR_HAVE_LIBCONFIG, libcrypto $HR_HAVE_CRYPTO
  hardening     $HR_CPPFLAGS$HR_PIE_LDFLAGS$HR_LDFLAGS
  sanitizers     ${HR_SANITIZERS:-no}
  coverage       $enable_coverage
  werror         $enable_werror
  python         ${PYTHON:-none: the tests that need it are skipped}
  valgrind       ${VALGRIND:-none: make check-valgrind is not possible}

  Next: make, make check, make install
])
])
