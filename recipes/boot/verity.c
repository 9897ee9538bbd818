// SPDX-License-Identifier: Apache-2.0
//
// verity SECTORS PARAMETERS: make /dev/dm-0, of which the kernel checks each block that is read.
//
// What `dmsetup create root --readonly --table "0 SECTORS verity PARAMETERS"` would do, for the
// initramfs: without a C library, which would be a fifth of it. Ends with 1 where the kernel refuses.

#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/ioctl.h>
#include <stddef.h>

#ifndef __arm__
#error "say here how this processor starts a program and calls the kernel"
#endif

static long call(long number, long first, long second, long third)
{
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = first;
	register long r1 __asm__("r1") = second;
	register long r2 __asm__("r2") = third;

	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
	return r0;
}

static struct {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[1024];
} request;

// Fill a field of zeros; what is longer than it is refused by the kernel, or cannot be right.
static void copy(char *field, unsigned long size, const char *text)
{
	for (unsigned long at = 0; text[at] && at < size - 1; at++)
		field[at] = text[at];
}

static long ask(long control, unsigned long what, unsigned int flags)
{
	request.head.version[0] = DM_VERSION_MAJOR;
	request.head.data_size = sizeof(request);
	request.head.data_start = offsetof(typeof(request), target);
	request.head.flags = flags;
	request.head.dev = 0; // the answer before told it, and a device is asked for by name alone
	return call(__NR_ioctl, control, what, (long)&request);
}

static int map(const char *sectors, const char *parameters)
{
	long control = call(__NR_open, (long)"/dev/mapper/control", O_RDWR, 0);

	copy(request.head.name, sizeof(request.head.name), "root");
	if (control < 0 || ask(control, DM_DEV_CREATE, DM_READONLY_FLAG) < 0)
		return 1;
	while (*sectors)
		request.target.length = request.target.length * 10 + (*sectors++ - '0');
	copy(request.target.target_type, sizeof(request.target.target_type), "verity");
	copy(request.parameters, sizeof(request.parameters), parameters);
	request.head.target_count = 1;
	if (ask(control, DM_TABLE_LOAD, DM_READONLY_FLAG) < 0)
		return 1;
	// Without a flag that suspends, this is what lets it begin.
	return ask(control, DM_DEV_SUSPEND, 0) < 0;
}

// What the kernel has laid on the stack: the number of words, then where each of them is.
__attribute__((used)) static void begin(long *stack)
{
	char **words = (char **)(stack + 1);

	call(__NR_exit, stack[0] == 3 ? map(words[1], words[2]) : 1, 0, 0);
}

__attribute__((naked)) void _start(void)
{
	__asm__("mov r0, sp\n\tb begin");
}
