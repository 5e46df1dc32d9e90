#pragma once

// Kernels of ours are compiled for several instruction sets, and the best one is picked when the addon loads: one thin
// binary per platform, and no -march that would crash on an older machine.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define LVM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define LVM_INLINE __attribute__((always_inline)) inline
#else
#define LVM_CLONES
#define LVM_INLINE inline
#endif

// Before a loop whose steps touch nothing of each other, where the compiler would need too many checks to see that.
#if defined(__clang__)
#define LVM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LVM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define LVM_INDEPENDENT
#endif
