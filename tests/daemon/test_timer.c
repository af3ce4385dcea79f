/* SPDX-License-Identifier: BSD-2-Clause */
/* The wheel against a naive list: random timers, moves, stops and steps of the clock. */
#include "t.h"
#include "timer.h"

#define TIMERS 400
#define GRAIN 10

struct entry {
	struct timer timer;	/* first: an entry is found by it */
	uint64_t at, set_at;
	unsigned int fired;
	bool runs;
};

static struct entry entries[TIMERS];
static uint64_t now = 1000, random_state = 1;
static unsigned int early, late, unexpected, fires;

static uint64_t rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* Distances of all sizes, the past and the far future too. */
static uint64_t some_time(void)
{
	switch (rnd(8)) {
	case 0:
		return now - rnd(500);
	case 1:
		return now + rnd(60);
	case 2:
		return UINT64_MAX - rnd(100);
	default:
		return now + rnd(1ull << (4 + rnd(38)));
	}
}

static void set(struct entry *e);

static void fired(struct timer *t)
{
	struct entry *e = (struct entry *)t;

	fires++;
	unexpected += !e->runs || timer_runs(t);
	early += now < e->at;
	e->runs = false;
	/* what owners do: start again, stop or move others */
	if (rnd(4) == 0)
		set(e);
	if (rnd(8) == 0)
		set(&entries[rnd(TIMERS)]);
	if (rnd(8) == 0) {
		struct entry *other = &entries[rnd(TIMERS)];

		timer_stop(&other->timer);
		other->runs = false;
	}
}

static void set(struct entry *e)
{
	e->at = some_time();
	e->set_at = now;
	e->runs = true;
	timer_set(&e->timer, e->at, fired);
}

/* After a run: nobody who was due a grain ago still waits, and everybody's state is right. */
static void compare(void)
{
	for (size_t i = 0; i < TIMERS; i++) {
		const struct entry *e = &entries[i];
		uint64_t due = e->at > e->set_at ? e->at : e->set_at;

		unexpected += timer_runs(&e->timer) != e->runs;
		late += e->runs && due <= now && now - due > GRAIN;
	}
}

/* timer_wait() never sleeps past a timer. */
static void check_wait(void)
{
	uint32_t wait = timer_wait(now);
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < TIMERS; i++)
		if (entries[i].runs && entries[i].at < next)
			next = entries[i].at;
	T_OK(wait <= 1000, "waits %u ms", wait);
	T_OK(next <= now || wait < next - now + GRAIN, "sleeps %u ms, a timer ends in %llu", wait,
	     (unsigned long long)(next - now));
}

static void step(void)
{
	static const uint64_t steps[] = {
		1, 7, 10, 100, 1000, 3000, 700000, 90000000, 40000000000, 90000000000
	};
	uint64_t size = steps[rnd(rnd(50) ? 5 : sizeof(steps) / sizeof(steps[0]))];

	now += rnd(size + 1);
	timer_run(now);
	compare();
}

static void property(void)
{
	for (int round = 0; round < 20000; round++) {
		struct entry *e = &entries[rnd(TIMERS)];

		if (rnd(3)) {
			set(e);
		} else {
			timer_stop(&e->timer);
			e->runs = false;
		}
		if (rnd(3) == 0) {
			check_wait();
			step();
		}
	}
	T_OK(fires > 1000, "only %u timers fired", fires);
	T_OK(!early, "%u fired early", early);
	T_OK(!late, "%u fired late or never", late);
	T_OK(!unexpected, "%u fired or stopped that should not", unexpected);
}

static void stop_all(void)
{
	for (size_t i = 0; i < TIMERS; i++)
		timer_stop(&entries[i].timer);
	T_OK(timer_wait(now) == 1000, "waits %u ms for nothing", timer_wait(now));
}

static struct timer *victim;
static unsigned int victims;

static void stops_victim(struct timer *t)
{
	(void)t;
	victims++;
	timer_stop(victim);
}

/* Two of the same tick: the first that fires stops the second, and may free itself. */
static void same_tick(void)
{
	struct timer a = { 0 }, b = { 0 };

	victims = 0;
	for (int turn = 0; turn < 2; turn++) {
		timer_set(&a, now + 50, stops_victim);
		timer_set(&b, now + 50, stops_victim);
		victim = turn ? &a : &b;
		now += 100;
		timer_run(now);
		timer_stop(&a);
		timer_stop(&b);
	}
	T_OK(victims == 3, "%u fired, not one and two", victims);
}

static void frees_itself(struct timer *t)
{
	fires++;
	free(t);
}

static void freed(void)
{
	fires = 0;
	for (int i = 0; i < 3; i++)
		timer_set(calloc(1, sizeof(struct timer)), now + 20, frees_itself);
	now += 30;
	timer_run(now);
	T_OK(fires == 3, "%u of 3 fired", fires);
}

int main(void)
{
	property();
	stop_all();
	same_tick();
	freed();
	return t_end("timer");
}
