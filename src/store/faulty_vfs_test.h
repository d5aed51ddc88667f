/*
 * A disk that fails on demand, below SQLite: it fails reads, writes or syncs, and remembers what
 * was written since each file's last sync, so that the power can go out.
 */
#ifndef STORE_FAULTY_VFS_TEST_H
#define STORE_FAULTY_VFS_TEST_H

#include "base/base.h"

/* From now on SQLite uses this disk, until faulty_remove (which may be called once too often). */
void faulty_install(void);
void faulty_remove(void);

/* The next `count` of these fail with an I/O error. */
void faulty_fail_syncs_of_log(int count);
void faulty_fail_syncs_of_database(int count);
void faulty_fail_writes(int count);
void faulty_fail_reads(int count);

/* Starts to remember; the power goes out before write or sync number `operations` from now. */
void faulty_power_off_after(unsigned operations);
bool faulty_is_off(void);

/*
 * With the store closed: takes back what was not synced. torn: of each such write a random part
 * of the sectors reached the disk. seed makes it repeatable. Then the power is back.
 */
void faulty_power_on(bool torn, unsigned seed);

#endif
