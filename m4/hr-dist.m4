dnl SPDX-License-Identifier: LGPL-2.1-or-later
dnl HR_REPRODUCIBLE_DIST
dnl --------------------
dnl Makes `make dist` give the same bytes every time: the files in order, and
dnl owner, mode and time as decided here.  $dist_epoch comes from Makefile.am.
dnl A tar other than GNU's still makes a good archive, only not the same one.
dnl Call after AM_INIT_AUTOMAKE.
AC_DEFUN([HR_REPRODUCIBLE_DIST], [
AC_MSG_CHECKING([whether make dist is reproducible])
AS_IF([${TAR-tar} --sort=name --version >/dev/null 2>&1],
      [am__tar='$${TAR-tar} --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w --mtime="@$(dist_epoch)" -chf - "$$tardir"'
       AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no, that needs GNU tar])])
])
