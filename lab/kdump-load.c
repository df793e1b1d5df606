// SPDX-License-Identifier: GPL-3.0-or-later
//
// kdump-load KERNEL INITRD COMMAND-LINE: loads a kernel that is booted when the running one
// crashes, as "kexec -p -s" of kexec-tools does.
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	if (count != 4)
		return 2;
	const int kernel = open(arguments[1], O_RDONLY), initrd = open(arguments[2], O_RDONLY);
	if (kernel >= 0 && initrd >= 0 &&
	    !syscall(SYS_kexec_file_load, kernel, initrd, strlen(arguments[3]) + 1, arguments[3],
		     KEXEC_FILE_ON_CRASH))
		return 0;
	perror("kdump-load");
	return 1;
}
