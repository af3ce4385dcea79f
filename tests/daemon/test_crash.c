/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that commits is killed at any moment, again and again, on one database, with each
 * durability in turn: nothing that was acknowledged is lost, no change is there by half. usage:
 * test_crash [KILLS]
 */
#include <signal.h>
#include <sys/wait.h>

#include "store_bed.h"

static char folder[64] = "/tmp/callgate-crash-XXXXXX";
static char path[128];
static uint32_t acked[USERS];
static int out;
static unsigned int under_way;

/* The acknowledgement: a pipe keeps it when its writer dies. */
static void done(int result, void *arg)
{
	uint32_t word = (uint32_t)(uintptr_t)arg;

	under_way--;
	if (!result && write(out, &word, sizeof(word)) != sizeof(word))
		_exit(1);
}

static void commit_forever(uint32_t number, uint32_t seed)
{
	struct store *s = bed_open(path);

	bed_seed = seed;
	if (!s)
		_exit(1);
	for (;; number++) {
		if (bed_change(s, bed_rnd(USERS), number, false, done))
			_exit(1);
		under_way++;
		while (under_way > 30)
			bed_wait(s);
	}
}

/* Kills after @count acknowledgements and takes what was still in the pipe. */
static unsigned int kill_after(pid_t pid, int in, unsigned int count)
{
	unsigned int n = 0;
	uint32_t word;
	int status;

	if (!count)
		kill(pid, SIGKILL);
	while (read(in, &word, sizeof(word)) == sizeof(word)) {
		acked[word >> 24] = word & 0xffffff;
		if (++n == count)
			kill(pid, SIGKILL);
	}
	T_OK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "it ended by itself");
	return n;
}

static uint32_t round_of(uint32_t number)
{
	unsigned int lost = 0;
	struct bed_state b;
	uint32_t top = number;
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		exit(1);
	pid = fork();
	if (!pid) {
		close(fd[0]);
		out = fd[1];
		commit_forever(number, bed_seed);
	}
	close(fd[1]);
	kill_after(pid, fd[0], bed_rnd(8) ? 1 + bed_rnd(600) : 0);
	close(fd[0]);
	if (!bed_read(path, &b))
		return top;
	for (unsigned int i = 0; i < USERS; i++) {
		lost += b.number[i] < acked[i];
		if (b.number[i] > top)
			top = b.number[i];
	}
	T_OK(!lost, "%u acknowledged changes lost", lost);
	return top;
}

int main(int argc, char **argv)
{
	unsigned int kills = argc > 1 ? (unsigned int)atoi(argv[1]) : 20, some = 0;
	uint32_t number = 1, seed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/callgate.db", folder);
	bed_seed = (uint32_t)getpid();
	seed = bed_seed;
	for (unsigned int i = 0; i < kills; i++) {
		bed_durability = (uint8_t)(i % 3);
		number = round_of(number) + 1;
	}
	for (unsigned int i = 0; i < USERS; i++)
		some += acked[i] != 0;
	T_OK(some == USERS, "only %u users were acknowledged", some);
	if (t_failed)
		printf("seed %u\n", seed);
	bed_clean(path);
	rmdir(folder);
	return t_end("crash");
}
