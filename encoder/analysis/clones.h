#pragma once
// SEMCODEC_CLONES before a function compiles it for several instruction sets; the best one is
// picked when the program starts. Only for arithmetic whose result does not depend on the choice
// (files that use it are compiled with -ffp-contract=off). Sanitizers do not get along with the
// start-up resolver, so they see the plain function.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SEMCODEC_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define SEMCODEC_CLONES
#endif
