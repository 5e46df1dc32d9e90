# libtorch::c10 and libtorch::cpu from LIBTORCH_DIR: a folder with include/ and lib/, such as a Python's site-packages/torch.
# Not find_package(Torch): the Linux wheels are CUDA builds and it stops without the CUDA toolkit.
# Never libtorch itself, which pulls in libtorch_cuda.
include(FindPackageHandleStandardArgs)

find_path(Libtorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
  PATHS "${LIBTORCH_DIR}/include" "${LIBTORCH_DIR}/torch/include" NO_DEFAULT_PATH NO_CACHE)
set(_libtorch_roots "${LIBTORCH_DIR}/lib" "${LIBTORCH_DIR}/torch/lib")
find_library(Libtorch_C10 NAMES c10 PATHS ${_libtorch_roots} NO_DEFAULT_PATH NO_CACHE)
find_library(Libtorch_CPU NAMES torch_cpu PATHS ${_libtorch_roots} NO_DEFAULT_PATH NO_CACHE)
find_package_handle_standard_args(Libtorch REQUIRED_VARS Libtorch_CPU Libtorch_C10 Libtorch_INCLUDE_DIR)

if(Libtorch_FOUND AND NOT TARGET libtorch::cpu)
  foreach(_name c10 cpu) # their own NEEDED libraries are opened by the loader, not linked
    add_library(libtorch::${_name} UNKNOWN IMPORTED)
    set_target_properties(libtorch::${_name} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${Libtorch_INCLUDE_DIR};${Libtorch_INCLUDE_DIR}/torch/csrc/api/include"
      INTERFACE_COMPILE_FEATURES cxx_std_20)
  endforeach()
  set_target_properties(libtorch::c10 PROPERTIES IMPORTED_LOCATION "${Libtorch_C10}")
  set_target_properties(libtorch::cpu PROPERTIES IMPORTED_LOCATION "${Libtorch_CPU}" INTERFACE_LINK_LIBRARIES libtorch::c10)
  if(UNIX AND NOT APPLE)
    set_property(TARGET libtorch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined")
  endif()
endif()
