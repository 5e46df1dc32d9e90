# CMAKE_TOOLCHAIN_FILE of scripts/cross.mjs: Debian's cross compiler for 64-bit Arm.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
