#pragma once

// Our kernels are compiled for several instruction sets; the loader picks the best one. This gives one binary per platform,
// without an -march that would crash on older processors.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define LVM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define LVM_INLINE __attribute__((always_inline)) inline
#define LVM_AVX512 __attribute__((target("arch=x86-64-v4")))  // for kernels that need its registers; see has_avx512
#else
#define LVM_CLONES
#define LVM_INLINE inline
#endif

// Marks a loop whose iterations are independent, where the compiler would otherwise need too many alias checks.
#if defined(__clang__)
#define LVM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LVM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define LVM_INDEPENDENT
#endif
