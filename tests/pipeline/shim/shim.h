/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel as kmod/ needs it, in user space: types, locks that check themselves, a clock that
 * the test sets, memory that is counted, RCU with its frees done at rest. One thread.
 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- types ---- */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#define U32_MAX UINT32_MAX
#define U16_MAX UINT16_MAX
#define S32_MAX INT32_MAX
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef u16 __be16, __le16, __sum16;
typedef u32 __be32, __le32, __wsum;
typedef u64 __be64, __le64;
typedef unsigned int gfp_t;

#define __percpu
#define __rcu
#define __force
#define __init
#define __exit
#define __net_init
#define __net_exit
#define noinline __attribute__((noinline))
#define __read_mostly
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define sizeof_field(type, f) sizeof(((type *)0)->f)
#define struct_size(p, member, n) (sizeof(*(p)) + sizeof((p)->member[0]) * (n))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define BUILD_BUG_ON(c) _Static_assert(!(c), #c)
#ifndef static_assert
#define static_assert _Static_assert
#endif
#define fallthrough __attribute__((fallthrough))

#define min_t(t, a, b) ({ t a_ = (a), b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(t, a, b) ({ t a_ = (a), b_ = (b); a_ > b_ ? a_ : b_; })
#define min(a, b) min_t(__typeof__(a), a, b)
#define max(a, b) max_t(__typeof__(a), a, b)
#define clamp_t(t, v, lo, hi) min_t(t, max_t(t, v, lo), hi)
#define swap(a, b) do { __typeof__(a) t_ = (a); (a) = (b); (b) = t_; } while (0)

/* IS_ENABLED(CONFIG_X): true when CONFIG_X is defined as 1 */
#define SHIM_COMMA_1 0,
#define SHIM_SECOND(a, b, ...) b
#define SHIM_ENABLED3(x) SHIM_SECOND(x 1, 0, 0)
#define SHIM_ENABLED2(x) SHIM_ENABLED3(SHIM_COMMA_##x)
#define IS_ENABLED(option) SHIM_ENABLED2(option)
#define IS_BUILTIN(option) SHIM_ENABLED2(option)
#define CONFIG_NF_CONNTRACK 1
#define CONFIG_NF_CONNTRACK_MARK 1
#define CONFIG_NF_NAT 1
#define CONFIG_NF_TPROXY_IPV4 1
#define CONFIG_NF_TPROXY_IPV6 1
#define CONFIG_IPV6 1
#ifdef __SANITIZE_ADDRESS__
#define CONFIG_KASAN 1
#endif

/* ---- what must not happen ---- */

/* Prints and aborts, so that sanitizers and the fuzzer see it. */
_Noreturn void shim_bug(const char *file, int line, const char *what);
#define SHIM_BUG_ON(c) do { if (unlikely(c)) shim_bug(__FILE__, __LINE__, #c); } while (0)
#define BUG_ON(c) SHIM_BUG_ON(c)
#define WARN_ON_ONCE(c) ({ bool c_ = (c); SHIM_BUG_ON(c_); c_; })
#define WARN_ON(c) WARN_ON_ONCE(c)
void shim_say(const char *format, ...);
#define pr_err(...) shim_say(__VA_ARGS__)
#define pr_info(...) do { } while (0)
#define net_ratelimit() false

/* ---- bytes and bits ---- */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the shim is for little-endian machines"
#endif
#define htons(x) __builtin_bswap16((u16)(x))
#define ntohs(x) __builtin_bswap16((u16)(x))
#define htonl(x) __builtin_bswap32(x)
#define ntohl(x) __builtin_bswap32(x)
#define le32_to_cpu(x) (x)
#define le64_to_cpu(x) (x)
#define __ffs64(x) ((unsigned long)__builtin_ctzll(x))
#define div_u64(a, b) ((u64)(a) / (u32)(b))

#define BITS_PER_BYTE 8
#define BIT_ULL(n) (1ULL << (n))
#define BITS_TO_LONGS(n) (((n) + 63) / 64)
static inline void __set_bit(unsigned int n, unsigned long *p) { p[n / 64] |= 1UL << n % 64; }
static inline void __clear_bit(unsigned int n, unsigned long *p) { p[n / 64] &= ~(1UL << n % 64); }
#define set_bit(n, p) __set_bit(n, p)
#define clear_bit(n, p) __clear_bit(n, p)
static inline bool test_bit(unsigned int n, const unsigned long *p)
{
	return p[n / 64] >> n % 64 & 1;
}

/* ---- memory: counted, and it may fail where the test says so ---- */

enum { GFP_ATOMIC = 1, GFP_KERNEL = 2, GFP_KERNEL_ACCOUNT = 2, __GFP_NOWARN = 4 };

extern long shim_live;       /* allocations that were not freed yet */
extern long shim_fail_in;    /* the how-manieth allocation from here fails; 0: none */

void *shim_alloc(size_t n, bool zero);
void *shim_realloc(void *p, size_t n);
void shim_free(const void *p);

#define kmalloc(n, gfp) shim_alloc(n, false)
#define kzalloc(n, gfp) shim_alloc(n, true)
#define krealloc(p, n, gfp) shim_realloc(p, n)
#define kfree(p) shim_free(p)
#define kvfree(p) shim_free(p)
#define vfree(p) shim_free(p)
#define vzalloc_node(n, node) shim_alloc(n, true)
#define kvmalloc_array(n, size, gfp) shim_alloc((size_t)(n) * (size), false)
#define kvmalloc(n, gfp) shim_alloc(n, false)
#define kvzalloc(n, gfp) shim_alloc(n, true)
#define kvcalloc(n, size, gfp) shim_alloc((size_t)(n) * (size), true)
#define kcalloc(n, size, gfp) shim_alloc((size_t)(n) * (size), true)
#define bitmap_zalloc(n, gfp) shim_alloc(BITS_TO_LONGS(n) * sizeof(long), true)
#define bitmap_free(p) shim_free(p)

struct kmem_cache {
	size_t size;
	long live;
};
struct kmem_cache *shim_cache(size_t size);
void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *c, void *p);
void kmem_cache_destroy(struct kmem_cache *c);
#define KMEM_CACHE(type, flags) shim_cache(sizeof(struct type))

/* one processor */
#define alloc_percpu(type) ((type *)shim_alloc(sizeof(type), true))
#define free_percpu(p) shim_free(p)
#define per_cpu_ptr(p, cpu) ((void)(cpu), (p))
#define this_cpu_ptr(p) (p)
#define this_cpu_inc(x) ((x)++)
#define this_cpu_read(x) (x)
#define this_cpu_write(x, v) ((x) = (v))
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define cpu_to_node(cpu) (cpu)

/* ---- locks: no second processor, but they know whether they are held ---- */

typedef struct {
	bool held;
} spinlock_t;
extern int shim_bh_off;    /* depth of local_bh_disable() */
extern int shim_rcu_depth;

static inline void spin_lock_init(spinlock_t *l) { l->held = false; }
static inline void spin_lock(spinlock_t *l) { SHIM_BUG_ON(l->held); l->held = true; }
static inline void spin_unlock(spinlock_t *l) { SHIM_BUG_ON(!l->held); l->held = false; }
static inline void local_bh_disable(void) { shim_bh_off++; }
static inline void local_bh_enable(void) { SHIM_BUG_ON(--shim_bh_off < 0); }
static inline void spin_lock_bh(spinlock_t *l) { local_bh_disable(); spin_lock(l); }
static inline void spin_unlock_bh(spinlock_t *l) { spin_unlock(l); local_bh_enable(); }
#define lockdep_assert_held(l) SHIM_BUG_ON(!(l)->held)

/* ---- RCU: what is freed later is freed at shim_rest() ---- */

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
	void *free;
};
static inline void rcu_read_lock(void) { shim_rcu_depth++; }
static inline void rcu_read_unlock(void) { SHIM_BUG_ON(--shim_rcu_depth < 0); }
#define rcu_dereference(p) (p)
#define rcu_dereference_protected(p, c) (p)
#define rcu_access_pointer(p) (p)
#define rcu_assign_pointer(p, v) ((p) = (v))
#define RCU_INIT_POINTER(p, v) ((p) = (v))
#define cond_resched() do { } while (0)
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void shim_free_rcu(struct rcu_head *head, void *p);
#define kfree_rcu(p, member) shim_free_rcu(&(p)->member, p)
void rcu_barrier(void);
#define synchronize_rcu() rcu_barrier()

/* ---- time: stands still until the test moves it ---- */

#define HZ 250
#define INITIAL_JIFFIES ((unsigned long)(unsigned int)(-300 * HZ))
#define NSEC_PER_MSEC 1000000L
#define MSEC_PER_SEC 1000L
extern u64 shim_ms;    /* since boot */
static inline u64 get_jiffies_64(void) { return INITIAL_JIFFIES + shim_ms * HZ / 1000; }
#define jiffies ((unsigned long)get_jiffies_64())
static inline u64 ktime_get_boottime_ns(void) { return shim_ms * NSEC_PER_MSEC; }
#define time_before64(a, b) ((s64)((a) - (b)) < 0)

struct timer_list {
	struct timer_list *next;
	void (*function)(struct timer_list *t);
	unsigned long expires;
	bool pending;
};
#define timer_setup(t, fn, flags) ((t)->function = (fn), (t)->pending = false)
#define timer_pending(t) ((t)->pending)
int mod_timer(struct timer_list *t, unsigned long expires);
int del_timer_sync(struct timer_list *t);
#define from_timer(var, t, field) container_of(t, __typeof__(*var), field)

/* Lets @ms pass at once: what became due meanwhile runs late, and until nothing is due. */
void shim_sleep(u64 ms);
/* Work items and the frees of RCU; nothing may be locked. */
void shim_rest(void);

struct work_struct {
	struct work_struct *next;
	void (*func)(struct work_struct *work);
	bool pending;
};
#define INIT_WORK(w, fn) ((w)->func = (fn), (w)->pending = false)
extern int system_highpri_wq[1];
void shim_queue_work(struct work_struct *w);
#define queue_work(wq, w) shim_queue_work(w)
#define schedule_work(w) shim_queue_work(w)
#define flush_work(w) shim_rest()
void cancel_work_sync(struct work_struct *w);

/* Only named by headers of what is not here. */
struct mutex {
	bool held;
};
struct delayed_work {
	struct work_struct work;
};

/* ---- the rest ---- */

typedef struct {
	s64 n;
} atomic64_t;
#define atomic64_set(a, v) ((a)->n = (v))
#define atomic64_inc_return(a) ((u64)++(a)->n)
typedef struct {
	int n;
} refcount_t;
#define refcount_set(r, v) ((r)->n = (v))

typedef struct {
	u64 key[2];
} siphash_key_t;
void shim_random_seed(u64 seed);
void get_random_bytes(void *p, size_t n);
u32 get_random_u32_below(u32 n);

struct module;
extern struct module *const shim_module;
#define THIS_MODULE shim_module
#define module_param(name, type, perm) extern int shim_no_param
#define MODULE_PARM_DESC(name, text) extern int shim_no_param
#define MODULE_LICENSE(x) extern int shim_no_param
#define MODULE_DESCRIPTION(x) extern int shim_no_param
#define MODULE_VERSION(x) extern int shim_no_param
#define MODULE_ALIAS_NFCT_HELPER(x) extern int shim_no_param
int shim_module_init(void);
void shim_module_exit(void);
#define module_init(fn) int shim_module_init(void) { return fn(); } extern int shim_no_param
#define module_exit(fn) void shim_module_exit(void) { fn(); } extern int shim_no_param

long strscpy(char *to, const char *from, size_t size);

#define ERR_PTR(e) ((void *)(long)(e))
#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)

#include "list.h"
#include "table.h"
#include "netfilter.h"

#endif /* SHIM_SHIM_H */
