/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "config_schema.h"
#include "log.h"
#include "sip/scan.h"
#include "sources.h"
#include "store.h"
#include "text.h"
#include "uri_text.h"

__attribute__((format(printf, 2, 3)))
static bool say(char what[static CONFIG_WHAT], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, CONFIG_WHAT, format, ap);
	va_end(ap);
	return false;
}

/* ---- one word into its field ---- */

static bool take_number(const struct config_option *o, void *field, const char *word,
			char what[static CONFIG_WHAT])
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(word, &end, 10);
	if (errno || *word < '0' || *word > '9' || *end || n < o->min || n > o->max)
		return say(what, "'%s' is not a number from %u to %u: give one", word, o->min,
			   o->max);
	*(uint32_t *)field = (uint32_t)n;
	return true;
}

static bool take_switch(const struct config_option *o, void *field, const char *word,
			char what[static CONFIG_WHAT])
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true" };

	(void)o;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(word, words[i])) {
			*(bool *)field = i % 2;
			return true;
		}
	return say(what, "'%s' is neither on nor off: give one of them", word);
}

/* The place of @word in the row's words; -1: @what lists them. */
static int word_index(const struct config_option *o, const char *word,
		      char what[static CONFIG_WHAT])
{
	int n = snprintf(what, CONFIG_WHAT, "'%s' is not known: give", word);

	for (int i = 0; o->words[i]; i++) {
		if (!strcasecmp(word, o->words[i]))
			return i;
		if (n < CONFIG_WHAT)
			n += snprintf(what + n, (size_t)(CONFIG_WHAT - n), "%s %s",
				      i ? " or" : "", o->words[i]);
	}
	return -1;
}

static bool take_enum(const struct config_option *o, void *field, const char *word,
		      char what[static CONFIG_WHAT])
{
	int i = word_index(o, word, what);

	if (i >= 0)
		*(uint8_t *)field = (uint8_t)i;
	return i >= 0;
}

static bool take_bits(const struct config_option *o, void *field, const char *word,
		      char what[static CONFIG_WHAT])
{
	int i = word_index(o, word, what);

	if (i >= 0)
		*(uint8_t *)field |= (uint8_t)(1 << i);
	return i >= 0;
}

static bool take_text(const struct config_option *o, void *field, const char *word,
		      char what[static CONFIG_WHAT])
{
	char **text = field, *copy;

	if (o->check && !o->check(word, what))
		return false;
	copy = strdup(word);
	if (!copy)
		return say(what, "no memory: free some");
	free(*text);
	*text = copy;
	return true;
}

/* Room for one more item of a list; NULL: @what says why. */
static void *grow(void *list, size_t n, size_t size, char what[static CONFIG_WHAT])
{
	void *grown;

	if (n >= CONFIG_LIST_MAX) {
		say(what, "more than %d values: give fewer", CONFIG_LIST_MAX);
		return NULL;
	}
	grown = reallocarray(list, n + 1, size);
	if (!grown)
		say(what, "no memory: free some");
	return grown;
}

static bool take_words(const struct config_option *o, void *field, const char *word,
		       char what[static CONFIG_WHAT])
{
	struct words *words = field;
	char **grown;

	if (o->check && !o->check(word, what))
		return false;
	grown = grow(words->word, words->n, sizeof(*grown), what);
	if (!grown)
		return false;
	words->word = grown;
	grown[words->n] = NULL;
	return take_text(&(struct config_option){ 0 }, &grown[words->n], word, what) &&
	       ++words->n;
}

static bool take_prefix(const struct config_option *o, void *field, const char *word,
			char what[static CONFIG_WHAT])
{
	struct prefixes *list = field;
	struct prefix prefix, *grown;

	(void)o;
	if (!text_read_prefix(word, &prefix))
		return say(what, "'%s' is no address or network: give one like 192.0.2.0/24 or "
			   "2001:db8::1", word);
	grown = grow(list->prefix, list->n, sizeof(*grown), what);
	if (!grown)
		return false;
	list->prefix = grown;
	grown[list->n++] = prefix;
	return true;
}

/* ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT */
static bool read_endpoint(const char *word, struct endpoint *e)
{
	const char *port = NULL, *end;
	char host[INET6_ADDRSTRLEN];
	size_t n = strlen(word);
	unsigned long number = SIP_PORT;
	struct prefix p;

	if (*word == '[') {
		end = strchr(word++, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		n = (size_t)(end - word);
		port = end[1] ? end + 2 : NULL;
	} else if (strchr(word, ':') && strchr(word, ':') == strrchr(word, ':')) {
		n = (size_t)(strchr(word, ':') - word);
		port = word + n + 1;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, word, n);
	host[n] = 0;
	if (port)
		number = *port < '0' || *port > '9' ? 0 : strtoul(port, (char **)&end, 10);
	if (strchr(host, '/') || !text_read_prefix(host, &p) || !number || number > 65535 ||
	    (port && *end))
		return false;
	memset(e, 0, sizeof(*e));
	e->len = p.len;
	memcpy(e->addr, p.addr, sizeof(e->addr));
	e->port = (uint16_t)number;
	return true;
}

/* Fields: struct endpoint *, then the number of them. */
struct listen {
	struct endpoint *at;
	size_t n;
};
_Static_assert(offsetof(struct config, n_listen) - offsetof(struct config, listen) ==
	       offsetof(struct listen, n), "listen and n_listen are neighbours");

static bool covers(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_equal(a, b) ||
	       (endpoint_is_any(a) && a->len == b->len && a->port == b->port);
}

static bool take_listen(const struct config_option *o, void *field, const char *word,
			char what[static CONFIG_WHAT])
{
	struct listen *list = field;
	struct endpoint e, *grown;
	char other[TEXT_ENDPOINT];

	(void)o;
	if (!read_endpoint(word, &e))
		return say(what, "'%s' is no address with a port: give one like 192.0.2.1:5060, "
			   "[2001:db8::1]:5060, 0.0.0.0 or ::", word);
	for (size_t i = 0; i < list->n; i++)
		if (covers(&list->at[i], &e) || covers(&e, &list->at[i]))
			return say(what, "'%s' and '%s' are the same port of the same address: "
				   "remove one", word, text_endpoint(&list->at[i], other));
	grown = grow(list->at, list->n, sizeof(*grown), what);
	if (!grown)
		return false;
	list->at = grown;
	grown[list->n++] = e;
	return true;
}

/* ---- checks of text ---- */

static bool check_interface(const char *word, char what[static CONFIG_WHAT])
{
	size_t n = strlen(word);

	if (n && n < IFNAMSIZ && n == strcspn(word, "/: \t\n\"\\") && strcmp(word, ".") &&
	    strcmp(word, ".."))
		return true;
	return say(what, "'%s' cannot be the name of an interface: see 'ip link'", word);
}

static bool check_path(const char *word, char what[static CONFIG_WHAT])
{
	if (*word == '/' && strlen(word) < 4096)
		return true;
	return say(what, "'%s' does not begin with '/': give the whole path", word);
}

/* What others may write is not run. */
static bool check_program(const char *word, char what[static CONFIG_WHAT])
{
	struct stat st;

	if (!check_path(word, what))
		return false;
	if (stat(word, &st))
		return say(what, "'%.200s': %s: check the path and the permissions", word,
			   strerror(errno));
	if (!S_ISREG(st.st_mode) || access(word, X_OK))
		return say(what, "'%.200s' is no program that can be run: try 'chmod +x'", word);
	return !(st.st_mode & S_IWOTH) ||
	       say(what, "'%.200s' can be changed by everybody: 'chmod o-w' it", word);
}

/* sockaddr_un */
static bool check_socket(const char *word, char what[static CONFIG_WHAT])
{
	if (strlen(word) >= 108)
		return say(what, "the path has %zu bytes: a socket's has 107 at most",
			   strlen(word));
	return check_path(word, what);
}

static bool check_user(const char *word, char what[static CONFIG_WHAT])
{
	if (getpwnam(word))
		return true;
	return say(what, "there is no user '%s': create it with 'useradd --system %s'", word,
		   word);
}

static bool check_realm(const char *word, char what[static CONFIG_WHAT])
{
	size_t n = strlen(word);
	bool good = n && n <= USER_DOMAIN;

	for (size_t i = 0; i < n; i++)
		good = good && (unsigned char)word[i] >= ' ' && word[i] != 0x7f &&
		       word[i] != '"' && word[i] != '\\';
	if (good)
		return true;
	return say(what, "'%s' cannot be a realm: give 1 to %d characters without quotes and "
		   "backslashes", word, USER_DOMAIN);
}

static bool read_uri(const char *word, struct sip_uri *u)
{
	return strlen(word) < 1024 && uri_of_text(word, u) &&
	       (u->scheme == SIP_URI_SIP || u->scheme == SIP_URI_SIPS);
}

static bool check_uri(const char *word, char what[static CONFIG_WHAT])
{
	struct sip_uri u;

	if (read_uri(word, &u))
		return true;
	return say(what, "'%s' is no SIP URI: give one like \"sip:sip.example:5060\"", word);
}

static bool check_source(const char *word, char what[static CONFIG_WHAT])
{
	struct source s;

	return source_read(word, &s) || say(what, "'%s' is no source: give " SOURCES_SYNTAX, word);
}

bool config_is_name(const char *word)
{
	size_t n = strlen(word);

	return n && n <= USER_GROUP && n == strcspn(word, " \t,\"\\\r\n");
}

static bool check_word(const char *word, char what[static CONFIG_WHAT])
{
	return config_is_name(word) || say(what, "'%s' cannot be a name: give 1 to %d characters "
					   "without blanks, commas and quotes", word, USER_GROUP);
}

/* NAME or NAME@DOMAIN */
static bool check_watcher(const char *word, char what[static CONFIG_WHAT])
{
	const char *at = strrchr(word, '@');
	size_t n = at ? (size_t)(at - word) : strlen(word);

	if (n && n <= USER_NAME && (!at || config_is_host(at + 1)))
		return true;
	return say(what, "'%s' is no user: give a name, or one like \"alice@office.example\"",
		   word);
}

bool config_is_host(const char *word)
{
	char uri[USER_DOMAIN + 8];
	struct sip_uri u;

	if (!*word || strlen(word) > USER_DOMAIN || strpbrk(word, "@:;?"))
		return false;
	snprintf(uri, sizeof(uri), "sip:%s", word);
	return read_uri(uri, &u);
}

/* ---- the table ---- */

static const char *const registrar_words[] = { "main", "passive", "relay", NULL };
static const char *const foreign_words[] = { "reject", "relay", NULL };
static const char *const durability_words[] = { "strict", "1s", "none", NULL };
static const char *const level_words[] = { "fatal", "warn", "info", "debug", NULL };
static const char *const algorithm_words[] = { "MD5", "SHA-256", "SHA-512-256", NULL };
_Static_assert(REGISTRAR_MAIN == 0 && REGISTRAR_PASSIVE == 1 && REGISTRAR_RELAY == 2, "order");
_Static_assert(FOREIGN_REJECT == 0 && FOREIGN_RELAY == 1, "order");
_Static_assert(STORE_STRICT == 0 && STORE_1S == 1 && STORE_NONE == 2, "order");
_Static_assert(LOG_LEVEL_FATAL == 0 && LOG_LEVEL_DEBUG == 3, "order");
_Static_assert(DIGEST_MD5 == 0 && DIGEST_SHA256 == 1 && DIGEST_SHA512_256 == 2, "order");

#define ROW(SECTION, STRUCT, FIELD, NAME, FALLBACK, TAKE, ...)                                     \
	{ .section = SECTION, .name = NAME, .take = take_##TAKE, .fallback = FALLBACK,             \
	  .offset = offsetof(struct STRUCT, FIELD), __VA_ARGS__ }
#define TOP(FIELD, NAME, FALLBACK, ...) ROW("", config, FIELD, NAME, FALLBACK, __VA_ARGS__)
#define DOMAIN(FIELD, NAME, FALLBACK, ...) ROW("domain", domain, FIELD, NAME, FALLBACK, __VA_ARGS__)
#define GROUP(FIELD, NAME, ...) ROW("group", group, FIELD, NAME, NULL, __VA_ARGS__)
#define RANGE(MIN, MAX) number, .min = MIN, .max = MAX
#define ONE_OF(WORDS) enum, .words = WORDS
#define SOME_OF(WORDS) bits, .words = WORDS, .list = true
#define LIST(TAKE) TAKE, .list = true

const struct config_option config_options[] = {
	TOP(inside, "inside", NULL, LIST(words), .check = check_interface),
	TOP(outside, "outside", NULL, LIST(words), .check = check_interface),
	TOP(inside_nets, "inside-networks", NULL, LIST(prefix)),
	TOP(trusted, "trusted", NULL, LIST(prefix)),
	TOP(listen, "listen", "0.0.0.0:5060 [::]:5060", LIST(listen)),
	TOP(helper, "helper", "on", switch),
	TOP(user, "user", NULL, text, .check = check_user),
	TOP(database, "database", "/var/lib/callgate/callgate.db", text, .check = check_path),
	TOP(durability, "durability", "strict", ONE_OF(durability_words)),
	TOP(control, "control", "/run/callgate/control.sock", text, .check = check_socket),
	TOP(log_level, "log-level", "info", ONE_OF(level_words)),
	TOP(challenge, "challenge", "on", switch),
	TOP(algorithms_inside, "algorithms-inside", "SHA-256 MD5", SOME_OF(algorithm_words)),
	TOP(algorithms_outside, "algorithms-outside", "SHA-256", SOME_OF(algorithm_words)),
	TOP(nonce_life, "nonce-life", "300", RANGE(10, 86400)),
	TOP(ban_failures, "ban-failures", "10", RANGE(0, 1000)),
	TOP(ban_window, "ban-window", "600", RANGE(1, 86400)),
	TOP(ban_time, "ban-time", "3600", RANGE(1, 31536000)),
	TOP(uniform, "uniform", "off", switch),
	TOP(foreign, "foreign", "reject", ONE_OF(foreign_words)),
	TOP(max_message, "max-message", "65535", RANGE(1500, 65535)),
	TOP(subscriptions, "subscriptions", "1000", RANGE(1, 100000)),
	TOP(subscriptions_user, "subscriptions-user", "10", RANGE(1, 1000)),
	TOP(subscription_min, "subscription-min", "60", RANGE(1, 3600)),
	DOMAIN(mode, "registrar", "main", ONE_OF(registrar_words)),
	DOMAIN(realm, "realm", NULL, text, .check = check_realm),
	DOMAIN(relay, "relay", NULL, text, .check = check_uri),
	DOMAIN(registrars, "registrars", NULL, LIST(prefix)),
	DOMAIN(expires_min, "expires-min", "60", RANGE(1, 86400)),
	DOMAIN(expires_default, "expires-default", "3600", RANGE(1, 31536000)),
	DOMAIN(expires_max, "expires-max", "7200", RANGE(1, 31536000)),
	DOMAIN(max_contacts, "max-contacts", "10", RANGE(1, 1000)),
	DOMAIN(third_party, "third-party", "off", switch),
	DOMAIN(path, "path", "on", switch),
	DOMAIN(service_route, "service-route", NULL, LIST(words), .check = check_uri),
	DOMAIN(sources, "sources", NULL, LIST(words), .check = check_source),
	DOMAIN(allow, "allow", NULL, LIST(words), .check = check_word),
	DOMAIN(push, "push-services", NULL, LIST(words), .check = check_word),
	DOMAIN(push_command, "push-command", NULL, text, .check = check_program),
	DOMAIN(push_wait, "push-wait", "20", RANGE(1, 30)),
	DOMAIN(watchers, "watchers", NULL, LIST(words), .check = check_watcher),
	GROUP(sources, "sources", LIST(words), .check = check_source),
	GROUP(max_contacts, "max-contacts", RANGE(1, 1000)),
	ROW("route", config, default_proxy, "proxy", NULL, text, .check = check_uri),
};
const size_t config_options_n = sizeof(config_options) / sizeof(config_options[0]);

const struct config_option *config_option(const char *section, const char *name)
{
	for (size_t i = 0; i < config_options_n; i++)
		if (!strcmp(config_options[i].section, section) &&
		    !strcmp(config_options[i].name, name))
			return &config_options[i];
	return NULL;
}

static bool take_fallback(const struct config_option *o, void *field,
			  char what[static CONFIG_WHAT])
{
	char words[128], *at, *word;

	snprintf(words, sizeof(words), "%s", o->fallback);
	for (word = strtok_r(words, " ", &at); word; word = strtok_r(NULL, " ", &at))
		if (!o->take(o, field, word, what))
			return false;
	return true;
}

bool config_take(const struct config_option *o, void *object, const char *const *word, size_t n,
		 char what[static CONFIG_WHAT])
{
	void *field = (char *)object + o->offset;

	if (!n)
		return !o->fallback || take_fallback(o, field, what);
	for (size_t i = 0; i < n; i++)
		if (!o->take(o, field, word[i], what))
			return false;
	return true;
}
