#pragma once
#include "../error.h"

#include <c10/util/Exception.h>
// A terminating worker accepts no exception; without this node-addon-api aborts the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>

#include <exception>

namespace lvm {

// What a tensor holds whose call failed: the error, and the number of the call, by which lib/torch/call-sites.ts finds its place.
struct CallFailure {
  std::exception_ptr error;
  double call;
};

// The only translation of C++ exceptions into JS errors with a code; lib/native.ts turns them into LvmError.
inline Napi::Value to_js_error(Napi::Env env, std::exception_ptr failure) {
  const auto coded = [&](const std::string& code, const std::string& message) {
    auto error = Napi::Error::New(env, message);
    error.Set("code", code);
    return error.Value();
  };
  try {
    std::rethrow_exception(failure);
  } catch (const Napi::Error& e) {
    return e.Value();
  } catch (const CallFailure& e) {
    const auto value = to_js_error(env, e.error);
    if (value.IsObject()) value.As<Napi::Object>().Set("call", e.call);
    return value;
  } catch (const Error& e) {
    return coded(e.code, e.what());
  } catch (const c10::OutOfMemoryError& e) {
    return coded("OUT_OF_MEMORY", e.what_without_backtrace());
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    const auto full = what.find("allocate memory") != std::string::npos || what.find("not enough memory") != std::string::npos;
    return coded(full ? "OUT_OF_MEMORY" : "NATIVE", what);
  } catch (const std::bad_alloc&) {
    return coded("OUT_OF_MEMORY", "there is not enough memory");
  } catch (const std::exception& e) {
    return coded("NATIVE", e.what());
  } catch (...) {
    return coded("NATIVE", "unknown native failure");
  }
}

// Every exported function is registered as guarded<fn>, so that every exception on the JS thread gets a code.
template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return fn(info);
  } catch (...) {
    throw Napi::Error(info.Env(), to_js_error(info.Env(), std::current_exception()));
  }
}

template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
void export_function(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<fn>>(exports.Env(), name));
}

}  // namespace lvm
