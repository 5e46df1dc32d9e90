// load(folder): loads libtorch by absolute path before the addon requests it by name. Does not link to libtorch, so that a
// missing or broken libtorch gives a message instead of a failed `require`.
#include <node_api.h>

#include <cstdlib>
#include <string>
#include <vector>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <sys/stat.h>
#endif

namespace {

#ifdef _WIN32
const char kSeparator = '\\';
const char* const kDriver = "nvcuda.dll";
const std::vector<const char*> kRuntime = {"libiomp5md.dll", "uv.dll"};
const std::vector<const char*> kCore = {"c10.dll", "torch_cpu.dll"};
const std::vector<const char*> kCuda = {"c10_cuda.dll", "torch_cuda.dll"};

std::wstring wide(const std::string& text) {
  std::wstring out(MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, nullptr, 0), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, out.data(), static_cast<int>(out.size()));
  return out;
}
bool exists(const std::string& path) { return GetFileAttributesW(wide(path).c_str()) != INVALID_FILE_ATTRIBUTES; }
std::string open(const std::string& path) {
  if (LoadLibraryExW(wide(path).c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH)) return {};
  return path + ": Windows error " + std::to_string(GetLastError());
}
bool has_driver() { return LoadLibraryA(kDriver) != nullptr; }
bool has_variable(const char* name) { return GetEnvironmentVariableA(name, nullptr, 0) != 0; }
void set_variable(const char* name, const char* value) { SetEnvironmentVariableA(name, value); }
#else
const char kSeparator = '/';
#ifdef __APPLE__
const std::vector<const char*> kRuntime = {"libomp.dylib"};
const std::vector<const char*> kCore = {"libc10.dylib", "libtorch_cpu.dylib"};
const std::vector<const char*> kCuda = {};
const char* const kDriver = nullptr;
#else
const std::vector<const char*> kRuntime = {"libgomp.so.1", "libcudart.so.13", "libcupti.so.13"};
const std::vector<const char*> kCore = {"libc10.so", "libtorch_cpu.so"};
const std::vector<const char*> kCuda = {"libc10_cuda.so", "libtorch_cuda_linalg.so", "libtorch_cuda.so"};
const char* const kDriver = "libcuda.so.1";
#endif

bool exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}
std::string open(const std::string& path) {
  // NODELETE: libtorch keeps threads and thread-local state, so unloading it with a worker would crash.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)) return {};
  const char* why = dlerror();
  return why ? why : path;
}
bool has_driver() { return kDriver && dlopen(kDriver, RTLD_LAZY | RTLD_LOCAL); }
bool has_variable(const char* name) { return getenv(name) != nullptr; }
void set_variable(const char* name, const char* value) { setenv(name, value, 1); }
#endif

/**
 * Lets idle OpenMP threads sleep after some tens of microseconds; by default they spin for milliseconds beside other work. A
 * variable that the user has set stays. OpenMP reads the variables of the process once, when it loads; `process.env` of a worker
 * thread is a copy.
 *
 * Source: libgomp manual, GOMP_SPINCOUNT (iterations); LLVM OpenMP, KMP_BLOCKTIME (milliseconds; libiomp5 and libomp)
 */
void spin_briefly() {
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})
    if (has_variable(name)) return;
  set_variable("GOMP_SPINCOUNT", "3000");
  set_variable("KMP_BLOCKTIME", "1");
}

/** Opens the existing files of `names` in order; returns the first error. */
std::string open_all(const std::string& folder, const std::vector<const char*>& names, bool required) {
  for (const char* name : names) {
    const std::string path = folder + kSeparator + name;
    if (!required && !exists(path)) continue;
    if (std::string why = open(path); !why.empty()) return why;
  }
  return {};
}

/** Returns what kept the CUDA part from loading, or an empty string; throws when the CPU part does not load. */
napi_value load(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1, length = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_error(env, "BAD_ARGUMENT", "loader: expected the path of a folder");
    return nullptr;
  }
  std::string folder(length + 1, '\0');
  napi_get_value_string_utf8(env, argument, folder.data(), folder.size(), &length);
  folder.resize(length);

  spin_briefly();
  std::string why = open_all(folder, kRuntime, false);
  if (why.empty()) why = open_all(folder, kCore, true);
  if (!why.empty()) {
    napi_throw_error(env, "LIBTORCH_MISSING", why.c_str());
    return nullptr;
  }
  // Without a driver the CUDA libraries would cost a second and half a gigabyte of address space.
  const std::string cuda = has_driver() ? open_all(folder, kCuda, false) : std::string();
  napi_create_string_utf8(env, cuda.c_str(), cuda.size(), &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, nullptr, &function);
  napi_set_named_property(env, exports, "load", function);
  return exports;
}
