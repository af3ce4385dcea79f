/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that fails when the test says so, under SQLite: errors of single operations, and a power
 * cut, after which a file has what was synced and any part of what was written since.
 */
#ifndef FAULTY_VFS_H
#define FAULTY_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define FAULTY_FILES 4

enum faulty_op { FAULTY_WRITE = 1, FAULTY_SYNC = 2, FAULTY_TRUNCATE = 4 };

/* One write or truncation since the last sync. */
struct faulty_pending {
	struct faulty_pending *next;
	sqlite3_int64 at;
	int len;		/* -1: cut off at .at */
	unsigned char bytes[];
};

/* What a file would have after a power cut; by its name. */
struct faulty_image {
	char name[160];
	unsigned char *bytes;
	size_t size;
	struct faulty_pending *first, **end;
};

static struct {
	pthread_mutex_t lock;
	unsigned int ops, from, to;	/* operations from .from to .to fail with .code */
	unsigned int kinds;		/* those that do: enum faulty_op */
	unsigned int cut;		/* the operation before which the power goes; 0: none */
	int code;
	void (*at_cut)(void);
	struct faulty_image image[FAULTY_FILES];
	unsigned int images;
} faulty = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct faulty_file {
	sqlite3_file file;
	struct faulty_image *image;
	sqlite3_file *real;
};

static inline sqlite3_file *faulty_real(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

/* Counts an operation. Nonzero: it fails with that. */
static inline int faulty_step(enum faulty_op op)
{
	int rc = SQLITE_OK;
	bool cut;

	pthread_mutex_lock(&faulty.lock);
	faulty.ops++;
	cut = faulty.cut && faulty.ops == faulty.cut;
	if (faulty.from && faulty.ops >= faulty.from && faulty.ops <= faulty.to &&
	    faulty.kinds & op)
		rc = faulty.code;
	pthread_mutex_unlock(&faulty.lock);
	if (cut)
		faulty.at_cut();
	return rc;
}

static inline void faulty_note(struct faulty_image *i, const void *bytes, int len,
			       sqlite3_int64 at)
{
	struct faulty_pending *p;

	if (!i)
		return;
	p = malloc(sizeof(*p) + (len > 0 ? (size_t)len : 0));
	*p = (struct faulty_pending){ .at = at, .len = len };
	if (len > 0)
		memcpy(p->bytes, bytes, (size_t)len);
	pthread_mutex_lock(&faulty.lock);
	*i->end = p;
	i->end = &p->next;
	pthread_mutex_unlock(&faulty.lock);
}

static inline void faulty_apply(struct faulty_image *i, const struct faulty_pending *p, int len)
{
	size_t end = (size_t)p->at + (len > 0 ? (size_t)len : 0);

	if (p->len < 0 ? end != i->size : end > i->size) {
		i->bytes = realloc(i->bytes, end + 1);
		if (end > i->size)
			memset(i->bytes + i->size, 0, end - i->size);
		i->size = end;
	}
	if (len > 0)
		memcpy(i->bytes + p->at, p->bytes, (size_t)len);
}

static inline void faulty_synced(struct faulty_image *i)
{
	struct faulty_pending *p;

	if (!i)
		return;
	pthread_mutex_lock(&faulty.lock);
	while ((p = i->first)) {
		faulty_apply(i, p, p->len);
		i->first = p->next;
		free(p);
	}
	i->end = &i->first;
	pthread_mutex_unlock(&faulty.lock);
}

/* ---- methods ---- */

static int faulty_close(sqlite3_file *f)
{
	sqlite3_file *real = faulty_real(f);
	int rc = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;

	free(real);
	return rc;
}

static int faulty_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return faulty_real(f)->pMethods->xRead(faulty_real(f), to, n, at);
}

static int faulty_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int rc = faulty_step(FAULTY_WRITE);

	if (rc == SQLITE_OK)
		rc = faulty_real(f)->pMethods->xWrite(faulty_real(f), from, n, at);
	if (rc == SQLITE_OK)
		faulty_note(((struct faulty_file *)f)->image, from, n, at);
	return rc;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = faulty_step(FAULTY_TRUNCATE);

	if (rc == SQLITE_OK)
		rc = faulty_real(f)->pMethods->xTruncate(faulty_real(f), size);
	if (rc == SQLITE_OK)
		faulty_note(((struct faulty_file *)f)->image, NULL, -1, size);
	return rc;
}

static int faulty_sync(sqlite3_file *f, int flags)
{
	int rc = faulty_step(FAULTY_SYNC);

	/* the sync itself costs time, and the test's power is not the machine's */
	(void)flags;
	if (rc == SQLITE_OK)
		faulty_synced(((struct faulty_file *)f)->image);
	return rc;
}

static int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return faulty_real(f)->pMethods->xFileSize(faulty_real(f), size);
}

static int faulty_lock(sqlite3_file *f, int level)
{
	return faulty_real(f)->pMethods->xLock(faulty_real(f), level);
}

static int faulty_unlock(sqlite3_file *f, int level)
{
	return faulty_real(f)->pMethods->xUnlock(faulty_real(f), level);
}

static int faulty_reserved(sqlite3_file *f, int *out)
{
	return faulty_real(f)->pMethods->xCheckReservedLock(faulty_real(f), out);
}

static int faulty_control(sqlite3_file *f, int op, void *arg)
{
	return faulty_real(f)->pMethods->xFileControl(faulty_real(f), op, arg);
}

static int faulty_sector(sqlite3_file *f)
{
	return faulty_real(f)->pMethods->xSectorSize(faulty_real(f));
}

static int faulty_device(sqlite3_file *f)
{
	return faulty_real(f)->pMethods->xDeviceCharacteristics(faulty_real(f));
}

static int faulty_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return faulty_real(f)->pMethods->xShmMap(faulty_real(f), page, size, extend, out);
}

static int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return faulty_real(f)->pMethods->xShmLock(faulty_real(f), offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *f)
{
	faulty_real(f)->pMethods->xShmBarrier(faulty_real(f));
}

static int faulty_shm_unmap(sqlite3_file *f, int delete)
{
	return faulty_real(f)->pMethods->xShmUnmap(faulty_real(f), delete);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = faulty_close, .xRead = faulty_read, .xWrite = faulty_write,
	.xTruncate = faulty_truncate, .xSync = faulty_sync, .xFileSize = faulty_size,
	.xLock = faulty_lock, .xUnlock = faulty_unlock, .xCheckReservedLock = faulty_reserved,
	.xFileControl = faulty_control, .xSectorSize = faulty_sector,
	.xDeviceCharacteristics = faulty_device, .xShmMap = faulty_shm_map,
	.xShmLock = faulty_shm_lock, .xShmBarrier = faulty_shm_barrier,
	.xShmUnmap = faulty_shm_unmap,
};

/* ---- the VFS ---- */

static sqlite3_vfs faulty_vfs, *faulty_base;

static inline struct faulty_image *faulty_image_of(const char *name)
{
	struct faulty_image *i = NULL;

	pthread_mutex_lock(&faulty.lock);
	for (unsigned int n = 0; n < faulty.images && !i; n++)
		if (!strcmp(faulty.image[n].name, name))
			i = &faulty.image[n];
	if (!i && faulty.images < FAULTY_FILES) {
		i = &faulty.image[faulty.images++];
		*i = (struct faulty_image){ .end = &i->first };
		snprintf(i->name, sizeof(i->name), "%s", name);
	}
	pthread_mutex_unlock(&faulty.lock);
	return i;
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct faulty_file *file = (struct faulty_file *)f;
	int rc;

	(void)vfs;
	memset(file, 0, sizeof(*file));
	file->real = calloc(1, (size_t)faulty_base->szOsFile);
	if (!file->real)
		return SQLITE_NOMEM;
	rc = faulty_base->xOpen(faulty_base, name, file->real, flags, out);
	if (rc != SQLITE_OK) {
		free(file->real);
		return rc;
	}
	file->file.pMethods = &faulty_methods;
	if (name && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))
		file->image = faulty_image_of(name);
	return SQLITE_OK;
}

static inline void faulty_register(void)
{
	faulty_base = sqlite3_vfs_find(NULL);
	faulty_vfs = *faulty_base;
	faulty_vfs.zName = "faulty";
	faulty_vfs.szOsFile = sizeof(struct faulty_file);
	faulty_vfs.xOpen = faulty_open;
	sqlite3_vfs_register(&faulty_vfs, 1);
}

/* Nothing fails from now on, counted from zero; new files. */
static inline void faulty_reset(void)
{
	for (unsigned int n = 0; n < faulty.images; n++) {
		faulty_synced(&faulty.image[n]);
		free(faulty.image[n].bytes);
	}
	faulty.images = 0;
	faulty.ops = faulty.from = faulty.to = faulty.cut = 0;
}

/*
 * Writes what a power cut leaves of each file to its name behind @folder: each write since the
 * last sync may be there, not be there, or be there up to a sector.
 */
static inline void faulty_leave(const char *folder, uint32_t (*rnd)(uint32_t n))
{
	pthread_mutex_lock(&faulty.lock);
	for (unsigned int n = 0; n < faulty.images; n++) {
		struct faulty_image *i = &faulty.image[n], left = *i;
		char name[400];
		FILE *f;

		left.bytes = malloc(i->size + 1);
		memcpy(left.bytes, i->bytes ? i->bytes : (unsigned char *)"", i->size);
		for (struct faulty_pending *p = i->first; p; p = p->next) {
			int some = p->len;

			if (!rnd(2))
				continue;
			if (p->len > 512 && !rnd(4))
				some = 512 * (int)rnd((uint32_t)p->len / 512);
			faulty_apply(&left, p, some);
		}
		snprintf(name, sizeof(name), "%s%s", folder, strrchr(i->name, '/'));
		f = fopen(name, "wb");
		if (f) {
			fwrite(left.bytes, 1, left.size, f);
			fclose(f);
		}
		free(left.bytes);
	}
	pthread_mutex_unlock(&faulty.lock);
}

#endif
