#pragma once
#include "../recycling.h"
#include "errors.h"

#include <memory>
#include <unordered_set>
#include <utility>

namespace lvm {

// C++ objects held by JS: a plain object wraps a shared pointer and carries a type tag, so that a wrong handle is an error and
// not a crash. Their size is reported to V8.
struct Held {
  explicit Held(int64_t bytes) : bytes(bytes) { all().insert(this); }
  Held(const Held&) = delete;
  virtual ~Held() { all().erase(this); }
  virtual void drop() = 0;

  void release(Napi::Env env) {
    drop();
    Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(bytes, 0));
  }
  static std::unordered_set<Held*>& all() {  // of this thread, and so of this environment
    thread_local std::unordered_set<Held*> boxes;
    return boxes;
  }

  int64_t bytes;
  std::weak_ptr<void> whole;  // object that it belongs to, such as the model of a weight
  napi_ref handle = nullptr;
};

template <typename T>
struct Box final : Held {
  Box(std::shared_ptr<T> thing, int64_t bytes) : Held(bytes), thing(std::move(thing)) {}
  void drop() override { thing.reset(); }
  std::shared_ptr<T> thing;
};

template <typename T>
struct Kind;  // {static constexpr napi_type_tag tag; static constexpr const char* name}

// Node finalizes collected handles only when the event loop turns, which a loop that makes tensors may prevent. So the memory of
// all collected handles is freed after each 32 MB handed out.
inline void reclaim(Napi::Env env, int64_t bytes) {
  constexpr int64_t enough = 32 << 20;
  thread_local int64_t handed_out = 0;
  if ((handed_out += bytes) < enough) return;
  handed_out = 0;
  const Napi::HandleScope scope(env);
  for (auto* box : Held::all()) {
    napi_value handle = nullptr;
    if (napi_get_reference_value(env, box->handle, &handle) == napi_ok && handle == nullptr) box->release(env);
  }
}

template <typename T>
Napi::Object give(Napi::Env env, std::shared_ptr<T> thing, int64_t bytes, std::weak_ptr<void> whole = {}) {
  reclaim(env, bytes);
  auto object = Napi::Object::New(env);
  auto* box = new Box<T>(std::move(thing), bytes);
  box->whole = std::move(whole);
  napi_wrap(
    env, object, box,
    [](napi_env env, void* data, void*) {
      const std::unique_ptr<Box<T>> box(static_cast<Box<T>*>(data));
      box->release(env);
      napi_delete_reference(env, box->handle);
    },
    nullptr, &box->handle);
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
  if (box) box->release(value.Env());
  return box != nullptr;
}

// Disposes its parts too, which would keep its memory until they are collected.
template <typename T>
bool dispose_whole_if(Napi::Value value) {
  auto* box = box_of<T>(value);
  if (box == nullptr || !box->thing) return dispose_if<T>(value);
  for (auto* part : Held::all()) {
    if (part->whole.lock() == box->thing) part->release(value.Env());
  }
  box->release(value.Env());
  give_back_free_memory();
  return true;
}

}  // namespace lvm
