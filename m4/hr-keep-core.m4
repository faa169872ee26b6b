dnl SPDX-License-Identifier: LGPL-2.1-or-later
dnl HR_KEEP_CORE
dnl ------------
dnl Autoconf's generated configure runs `rm -f core *.core ...` after checks
dnl and at exit, for core dumps.  Our top level has a directory `core`: the
dnl command fails on it, prints an error at every check, and makes the exit
dnl trap leave confdefs.h behind.  A shell function drops the word `core` from
dnl exactly those calls.  Call right after AC_INIT.
AC_DEFUN([HR_KEEP_CORE], [
rm ()
{
  if test "X$[]1" = X-f && test "X$[]2" = Xcore; then
    shift; shift
    # Nothing else to remove is no mistake, though some rm think so.
    test $[]# -eq 0 || command rm -f "$[]@"
  else
    command rm "$[]@"
  fi
}
])
