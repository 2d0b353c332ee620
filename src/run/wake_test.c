/* wake_test.c - a ring is heard by everybody who listens, in this process and in others. */
#include "run/wake.h"

#include "base/test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void count(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

/* Up to ten seconds. */
static bool comes_to_pass(_Atomic int *heard, int least)
{
    for (int i = 0; i < 10000 && atomic_load(heard) < least; i++)
        usleep(1000);
    return atomic_load(heard) >= least;
}

TEST(a_ring_is_heard_by_all)
{
    char folder[] = "/tmp/capi_test_XXXXXX";
    _Atomic int first = 0, second = 0;
    capi_wake *a, *b;
    int status;

    CHECK(mkdtemp(folder) != NULL);
    a = capi_wake_open(folder);
    b = capi_wake_open(folder);
    CHECK(a && b);
    capi_wake_listen(a, count, (void *)&first);
    capi_wake_listen(b, count, (void *)&second);
    capi_wake_ring(a);
    CHECK(comes_to_pass(&first, 1) && comes_to_pass(&second, 1));
    if (fork() == 0) { /* another process, which does not listen */
        capi_wake *other = capi_wake_open(folder);

        capi_wake_ring(other);
        _exit(other ? 0 : 1);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(comes_to_pass(&first, 2) && comes_to_pass(&second, 2));
    capi_wake_close(a);
    capi_wake_close(b);
}

TEST(without_a_folder_nobody_rings)
{
    capi_wake *wake = capi_wake_open("/no/such/folder");

    CHECK(wake == NULL);
    capi_wake_ring(wake);
    capi_wake_listen(wake, count, NULL);
    capi_wake_close(wake);
}
