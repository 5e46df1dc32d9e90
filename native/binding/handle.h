#pragma once
#include "errors.h"

#include <memory>

namespace lvm {

// Things of ours that JS holds: a plain object that wraps a shared pointer and carries a type tag, so that a foreign or a
// wrong handle is an error and never a crash. The memory behind it is reported to V8.
template <typename T>
struct Box {
  std::shared_ptr<T> thing;
  int64_t bytes;
};

template <typename T>
struct Kind;  // {static constexpr napi_type_tag tag; static constexpr const char* name}

template <typename T>
void release(Napi::Env env, Box<T>* box) {
  if (!box->thing) return;
  box->thing.reset();
  Napi::MemoryManagement::AdjustExternalMemory(env, -box->bytes);
}

template <typename T>
Napi::Object give(Napi::Env env, std::shared_ptr<T> thing, int64_t bytes) {
  auto object = Napi::Object::New(env);
  auto* box = new Box<T>{std::move(thing), bytes};
  napi_wrap(
    env, object, box,
    [](napi_env env, void* data, void*) {
      auto* box = static_cast<Box<T>*>(data);
      release(Napi::Env(env), box);
      delete box;
    },
    nullptr, nullptr);
  napi_type_tag_object(env, object, &Kind<T>::tag);
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  return object;
}

template <typename T>
Box<T>* box_of(Napi::Value value) {
  bool matches = false;
  void* data = nullptr;
  if (!value.IsObject() || napi_check_object_type_tag(value.Env(), value, &Kind<T>::tag, &matches) != napi_ok || !matches)
    return nullptr;
  return napi_unwrap(value.Env(), value, &data) == napi_ok ? static_cast<Box<T>*>(data) : nullptr;
}

template <typename T>
std::shared_ptr<T> take(Napi::Value value) {
  auto* box = box_of<T>(value);
  if (!box) throw Error("BAD_ARGUMENT", std::string("native: expected a ") + Kind<T>::name + " but received something else");
  if (!box->thing) throw Error("DISPOSED", std::string("native: this ") + Kind<T>::name + " was disposed");
  return box->thing;
}

template <typename T>
bool dispose_if(Napi::Value value) {
  auto* box = box_of<T>(value);
  if (box) release(value.Env(), box);
  return box != nullptr;
}

}  // namespace lvm
