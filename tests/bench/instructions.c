// SPDX-License-Identifier: Apache-2.0
// A plugin for QEMU: counts the instructions that the board executes, and writes how many they were
// into the file `to=` when QEMU ends.
//
// Debian has no header for plugins: what is used of the interface, version 4, is declared here.

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

struct block;      // a few instructions that are translated together
struct scoreboard; // a place for each CPU

typedef struct {
	struct scoreboard *board;
	size_t offset;
} counter;

enum operation { ADD };

size_t qemu_plugin_tb_n_insns(const struct block *block);
struct scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(counter counter);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*call)(uint64_t, struct block *));
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
	struct block *block, enum operation operation, counter counter, uint64_t number);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*call)(uint64_t, void *), void *data);

EXPORTED int qemu_plugin_version = 4;

static counter executed;

static void translated(uint64_t id, struct block *block)
{
	(void)id;
	uint64_t instructions = qemu_plugin_tb_n_insns(block);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, ADD, executed, instructions);
}

static void ended(uint64_t id, void *to)
{
	(void)id;
	FILE *file = fopen(to, "w");
	if (file == NULL || fprintf(file, "%" PRIu64 "\n", qemu_plugin_u64_sum(executed)) < 0 ||
	    fclose(file) != 0)
		perror(to);
}

EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments)
{
	(void)info;
	if (count != 1 || strncmp(arguments[0], "to=", 3) != 0)
		return 1;
	executed.board = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, arguments[0] + 3);
	return 0;
}
