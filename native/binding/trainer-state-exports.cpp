#include "../checkpoint/pt-writer.h"
#include "convert.h"
#include "training-handles.h"

namespace lvm {
namespace {

template <typename Slots>
Napi::Value state_of(Napi::Env env, const std::shared_ptr<Trainer>& trainer, const Slots& all) {
  auto slots = Napi::Array::New(env);
  const auto view = [&](const Tensor& t) { return give(env, std::make_shared<Cell>(t), 0, trainer); };
  const auto rank = size_t(trainer->optimizer.share.rank);
  const auto pair = [&](int64_t a, int64_t b) {
    auto array = Napi::Array::New(env, 2);
    array.Set(0u, double(a));
    array.Set(1u, double(b));
    return array;
  };
  for (const auto& slot : all) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", slot.name);
    entry.Set("m", view(slot.m));
    entry.Set("v", view(slot.v));
    if (slot.average.defined()) entry.Set("average", view(slot.average));
    if constexpr (std::is_same_v<typename Slots::value_type, Slot>) {
      if (!slot.cuts.empty()) entry.Set("part", pair(slot.cuts[rank], slot.cuts[rank + 1]));
    }
    slots.Set(slots.Length(), entry);
  }
  auto object = Napi::Object::New(env);
  object.Set("steps", double(trainer->optimizer.steps));
  object.Set("slots", slots);
  return object;
}

// The optimizer's own tensors, in the order of the model's parameters: [{name, m, v, average?, part?}], and the number of steps.
// Where ranks share the state, each has flat tensors of the elements part[0] to part[1].
Napi::Value trainer_state(const Napi::CallbackInfo& info) {
  const auto trainer = take<Trainer>(info[0]);
  return state_of(info.Env(), trainer, trainer->optimizer.slots);
}
// trainerWhole(trainer): the same as trainerState for `savePt`, on rank 0 of ranks that share the state
Napi::Value trainer_whole(const Napi::CallbackInfo& info) {
  const auto trainer = take<Trainer>(info[0]);
  return state_of(info.Env(), trainer, trainer->shared->whole());
}
// trainerServe(trainer) -> Promise<void>: gives rank 0 this rank's part of the state while it saves
Napi::Value trainer_serve(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [trainer = take<Trainer>(info[0])] {
      trainer->shared->serve();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}
Napi::Value trainer_set_steps(const Napi::CallbackInfo& info) {
  take<Trainer>(info[0])->optimizer.steps = integer(info[1], "steps");
  return info.Env().Undefined();
}

// Swaps the weights with their average; all ranks do it together where they share the state.
Napi::Value trainer_swap(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [trainer = take<Trainer>(info[0])] {
      if (trainer->shared) trainer->shared->swap_average();
      else trainer->optimizer.swap_average();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// savePt(path, value, trainer?) -> Promise<void>; a trainer whose ranks share its state fetches it from them
Napi::Value save_pt(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [path = text(info[0], "path"), value = to_ivalue(info[1]), trainer = info[2].IsObject() ? take<Trainer>(info[2]) : nullptr] {
      if (trainer && trainer->shared) trainer->shared->write(path, value);
      else write_pt(path, value);
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

}  // namespace

void export_trainer_state(Napi::Object exports) {
  export_function<trainer_state>(exports, "trainerState");
  export_function<trainer_whole>(exports, "trainerWhole");
  export_function<trainer_serve>(exports, "trainerServe");
  export_function<trainer_set_steps>(exports, "trainerSetSteps");
  export_function<trainer_swap>(exports, "trainerSwap");
  export_function<save_pt>(exports, "savePt");
}

}  // namespace lvm
