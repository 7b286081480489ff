/* <h2o.h> configured for this package. Its inline functions cause warnings with our flags, so those are off here. */
#ifndef SSOFERRY_H2O_SYSTEM_H
#define SSOFERRY_H2O_SYSTEM_H

#if !defined(H2O_USE_EPOLL) || !H2O_USE_EPOLL || H2O_USE_LIBUV
#error "h2o must be compiled against with H2O_USE_LIBUV=0 and H2O_USE_EPOLL=1"
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wcast-align"
#include <h2o.h>
#include <h2o/http1.h>
#pragma GCC diagnostic pop

#endif
