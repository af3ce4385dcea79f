// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar_load PORT COUNT OUTSTANDING FIRST MD5|SHA-256 fresh|reuse: registers the users FIRST to
 * FIRST + COUNT - 1 of bench.local at 127.0.0.1:PORT, each once, so many operations at a time.
 *
 * A closed loop: the next one begins when one has ended, so a machine that is shared lowers the
 * rate and does not make retransmissions. An operation is REGISTER, 401, REGISTER, 200; with
 * "reuse" the nonce of the user before, so that one request is enough until it is stale.
 *
 * Prints: ok N bad N retransmitted N seconds S p50 US p99 US.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 4096
#define TRIES 6
#define NONCE 256

struct operation {
	long user;		/* -1: free */
	double began, sent;
	unsigned int cseq, tries;
	int len;
	char text[2048];
};

static struct {
	int fd;
	unsigned int run;	/* Call-IDs of another run are not ours */
	long count, begun, first;
	long ok, bad, again;
	unsigned int width;
	const EVP_MD *md;
	const char *algorithm;
	bool reuse;
	char nonce[NONCE];
	unsigned int nc;
	float *took;
	struct operation slot[SLOTS];
} load;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hash(const char *text, char out[65])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	EVP_Digest(text, strlen(text), bytes, &n, load.md, NULL);
	for (unsigned int i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static int credentials(char *out, size_t size, long user, const char *nonce, unsigned int nc)
{
	char text[512], ha1[65], ha2[65], response[65];

	snprintf(text, sizeof(text), "u%07ld:bench.local:pw", user);
	hash(text, ha1);
	hash("REGISTER:sip:bench.local", ha2);
	snprintf(text, sizeof(text), "%s:%s:%08x:0a4f113b:auth:%s", ha1, nonce, nc, ha2);
	hash(text, response);
	return snprintf(out, size,
			"Authorization: Digest username=\"u%07ld\", realm=\"bench.local\", "
			"nonce=\"%s\", uri=\"sip:bench.local\", response=\"%s\", algorithm=%s, "
			"cnonce=\"0a4f113b\", qop=auth, nc=%08x\r\n",
			user, nonce, response, load.algorithm, nc);
}

static void put(struct operation *o)
{
	o->sent = now();
	if (send(load.fd, o->text, (size_t)o->len, 0) < 0 && errno != EAGAIN)
		perror("send");
}

static void ask(struct operation *o, const char *nonce, unsigned int nc)
{
	long k = o - load.slot;
	char line[1024] = "";

	if (nonce[0])
		credentials(line, sizeof(line), o->user, nonce, nc);
	o->tries = 0;
	o->len = snprintf(o->text, sizeof(o->text),
			  "REGISTER sip:bench.local SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 127.0.0.1:16060;branch=z9hG4bK%x.%ld.%ld.%u;rport\r\n"
			  "Max-Forwards: 70\r\n"
			  "From: <sip:u%07ld@bench.local>;tag=%xt%ld\r\n"
			  "To: <sip:u%07ld@bench.local>\r\n"
			  "Call-ID: %x-%ld-%ld@127.0.0.1\r\n"
			  "CSeq: %u REGISTER\r\n"
			  "Contact: <sip:u%07ld@127.0.0.1:16060;ob>;expires=3600\r\n"
			  "%s"
			  "User-Agent: bench-phone/1.0\r\n"
			  "Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,REFER,UPDATE\r\n"
			  "Expires: 3600\r\n"
			  "Content-Length: 0\r\n\r\n",
			  load.run, k, o->user, o->cseq, o->user, load.run, o->user, o->user,
			  load.run, k, o->user, o->cseq, o->user, line);
	put(o);
}

static void begin(struct operation *o)
{
	o->user = -1;
	if (load.begun == load.count)
		return;
	o->user = load.first + load.begun++;
	o->cseq = 1;
	o->began = now();
	ask(o, load.reuse ? load.nonce : "", ++load.nc);
}

static void end(struct operation *o, bool ok)
{
	if (ok)
		load.took[load.ok++] = (float)((now() - o->began) * 1e6);
	else
		load.bad++;
	begin(o);
}

/* The nonce of the challenge with the wanted algorithm; without one it is MD5. */
static bool challenge(const char *text, char out[NONCE])
{
	const char *p = text, *end, *nonce, *name;

	while ((p = strcasestr(p, "\r\nWWW-Authenticate:"))) {
		p += 2;
		end = strstr(p, "\r\n");
		name = strcasestr(p, "algorithm=");
		nonce = strcasestr(p, "nonce=\"");
		if (!end || !nonce || nonce > end)
			return false;
		if (name && name < end)
			name += strcspn(name, "=") + 1 + (name[strcspn(name, "=") + 1] == '"');
		else
			name = "MD5";
		if (strncasecmp(name, load.algorithm, strlen(load.algorithm)))
			continue;
		nonce += 7;
		snprintf(out, NONCE, "%.*s", (int)strcspn(nonce, "\""), nonce);
		return true;
	}
	return false;
}

static struct operation *owner(const char *text)
{
	const char *id = strcasestr(text, "\r\nCall-ID: "), *cseq = strcasestr(text, "\r\nCSeq: ");
	unsigned int run, n;
	long k, user;

	if (!id || !cseq || sscanf(id + 11, "%x-%ld-%ld@", &run, &k, &user) != 3 ||
	    sscanf(cseq + 8, "%u", &n) != 1)
		return NULL;
	if (run != load.run || k < 0 || k >= load.width || load.slot[k].user != user ||
	    load.slot[k].cseq != n)
		return NULL;
	return &load.slot[k];
}

static void answer(const char *text)
{
	struct operation *o = owner(text);
	char nonce[NONCE];
	int code = atoi(text + 8);

	if (!o || code < 200)
		return;
	if (code == 401 && o->cseq < 3 && challenge(text, nonce)) {
		if (load.reuse && strcmp(load.nonce, nonce)) {
			strcpy(load.nonce, nonce);
			load.nc = 0;
		}
		o->cseq++;
		ask(o, nonce, load.reuse ? ++load.nc : 1);
		return;
	}
	if (code != 200 && load.bad < 3)
		fprintf(stderr, "registrar_load: %.*s\n", (int)strcspn(text, "\r"), text);
	end(o, code == 200);
}

static void repeat(double at)
{
	for (unsigned int i = 0; i < load.width; i++) {
		struct operation *o = &load.slot[i];

		if (o->user < 0 || at - o->sent < 1)
			continue;
		if (++o->tries == TRIES) {
			end(o, false);
		} else {
			load.again++;
			put(o);
		}
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static int udp(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(16060),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	a.sin_port = htons((uint16_t)port);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

static void run(void)
{
	double last = now(), at;
	char text[8192];
	ssize_t n;

	for (unsigned int i = 0; i < load.width; i++)
		begin(&load.slot[i]);
	while (load.ok + load.bad < load.count) {
		struct pollfd p = { .fd = load.fd, .events = POLLIN };

		poll(&p, 1, 200);
		while ((n = recv(load.fd, text, sizeof(text) - 1, 0)) > 0) {
			text[n] = '\0';
			answer(text);
		}
		at = now();
		if (at - last > 0.2) {
			last = at;
			repeat(at);
		}
	}
}

int main(int argc, char **argv)
{
	double began;

	if (argc != 7)
		return 2;
	load.count = atol(argv[2]);
	load.width = (unsigned int)atoi(argv[3]);
	load.first = atol(argv[4]);
	load.algorithm = argv[5];
	load.reuse = !strcmp(argv[6], "reuse");
	load.md = EVP_get_digestbyname(strcmp(argv[5], "MD5") ? "SHA256" : "MD5");
	load.run = (unsigned int)getpid() * 2654435761u ^ (unsigned int)time(NULL);
	load.took = calloc((size_t)load.count + 1, sizeof(*load.took));
	load.fd = udp(atoi(argv[1]));
	if (load.fd < 0 || !load.took || load.count < 1 || load.width < 1 || load.width > SLOTS) {
		perror("registrar_load");
		return 2;
	}
	began = now();
	run();
	qsort(load.took, (size_t)load.ok, sizeof(*load.took), by_size);
	printf("ok %ld bad %ld retransmitted %ld seconds %.3f p50 %.0f p99 %.0f\n", load.ok,
	       load.bad, load.again, now() - began, load.ok ? load.took[load.ok / 2] : 0,
	       load.ok ? load.took[load.ok * 99 / 100] : 0);
	return load.bad ? 1 : 0;
}
