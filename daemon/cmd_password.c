/* SPDX-License-Identifier: BSD-2-Clause */
/* A password from a prompt, or from standard input; never from the command line. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd_password.h"

#define CANCEL 3	/* ^C: signals are off during the prompt, so that the echo comes back */

/* One line without its end. The length, or -errno; -E2BIG when it does not fit. */
static int read_line(int fd, char out[PASSWORD_SIZE])
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(fd, &c, 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (c == '\n')
			break;
		if (c == CANCEL)
			return -ECANCELED;
		if (n + 1 >= PASSWORD_SIZE)
			return -E2BIG;
		out[n++] = c;
	}
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return strlen(out) == n ? (int)n : -EINVAL;
}

static void say(int fd, const char *text)
{
	/* a terminal that cannot be written to cannot be read from either */
	if (write(fd, text, strlen(text)) < 0)
		return;
}

static int prompt(int fd, const char *text, char out[PASSWORD_SIZE])
{
	struct termios was, quiet;
	int n;

	if (tcgetattr(fd, &was))
		return -errno;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	say(fd, text);
	if (tcsetattr(fd, TCSAFLUSH, &quiet))
		return -errno;
	n = read_line(fd, out);
	tcsetattr(fd, TCSAFLUSH, &was);
	say(fd, "\n");
	return n;
}

static int read_twice(int fd, char out[PASSWORD_SIZE])
{
	char again[PASSWORD_SIZE];
	int n = prompt(fd, "Password: ", out), m;

	if (n <= 0)
		return n;
	m = prompt(fd, "The same again: ", again);
	if (m >= 0 && strcmp(out, again))
		m = -EAGAIN;
	explicit_bzero(again, sizeof(again));
	return m < 0 ? m : n;
}

int password_read(const struct command *c, bool from_stdin, char out[PASSWORD_SIZE])
{
	int fd = -1, n;

	if (from_stdin || !isatty(STDIN_FILENO)) {
		n = read_line(STDIN_FILENO, out);
	} else {
		fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
		n = fd < 0 ? -errno : read_twice(fd, out);
	}
	if (fd >= 0)
		close(fd);
	if (n > 0)
		return EXIT_OK;
	explicit_bzero(out, PASSWORD_SIZE);
	if (!n)
		return cmd_fail(c, EXIT_FAILED, "the password is empty: nothing was changed");
	if (n == -EAGAIN)
		return cmd_fail(c, EXIT_FAILED, "the two are not the same: nothing was changed");
	if (n == -ECANCELED)
		return cmd_fail(c, EXIT_FAILED, "nothing was changed");
	if (n == -E2BIG)
		return cmd_fail(c, EXIT_FAILED, "a password has at most %d bytes", PASSWORD_SIZE - 1);
	return cmd_fail(c, EXIT_FAILED, "the password cannot be read: %s", strerror(-n));
}
