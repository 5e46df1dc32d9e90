#include "../model/joint-steps.h"
#include "convert.h"

namespace lvm {

template <>
struct Kind<JointSteps> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 7};
  static constexpr const char* name = "joint steps";
};

namespace {

Napi::Value stepper(const Napi::CallbackInfo& info) {
  auto model = take<Model>(info[0]);
  auto state = model->fresh_state();
  return give(info.Env(), std::make_shared<Stepper>(Stepper{std::move(model), std::move(state), integer(info[1], "batch")}), 0);
}
Napi::Value stepper_step(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [stepper = take<Stepper>(info[0]), x = take_tensor(info[1]), raw = info[2].ToBoolean().Value()] {
      if (x.dim() != 2 || x.size(0) != stepper->batch) {
        throw Error("BAD_ARGUMENT", "stepper: expected vectors of shape [" + std::to_string(stepper->batch) + ", " +
                                      std::to_string(stepper->model->dim) + "]");
      }
      return stepper->model->step(x, stepper->state, raw);
    },
    give_tensor);
}
Napi::Value stepper_reset(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [stepper = take<Stepper>(info[0])] {
      stepper->state = stepper->model->fresh_state();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// jointSteps(model) -> Promise<handle>
Napi::Value joint_steps(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(), [model = take<Model>(info[0])] { return std::make_shared<JointSteps>(model); },
    [](Napi::Env env, std::shared_ptr<JointSteps> steps) -> Napi::Value { return give(env, std::move(steps), 0); });
}
// jointStep(joint, [stepper], x) -> Promise<tensor>
Napi::Value joint_step(const Napi::CallbackInfo& info) {
  const auto list = info[1].As<Napi::Array>();
  std::vector<std::shared_ptr<Stepper>> steppers;
  for (uint32_t i = 0; i < list.Length(); ++i) steppers.push_back(take<Stepper>(list.Get(i)));
  return run_async(
    info.Env(),
    [joint = take<JointSteps>(info[0]), steppers = std::move(steppers), x = take_tensor(info[2])] {
      if (x.dim() != 2) throw Error("BAD_ARGUMENT", "stepper: expected vectors of shape [rows, dim]");
      std::vector<Stream> streams;
      for (const auto& stepper : steppers) streams.push_back({&stepper->state, stepper->batch});
      return joint->step(x, streams);
    },
    give_tensor);
}

}  // namespace

void export_steppers(Napi::Object exports) {
  export_function<stepper>(exports, "stepper");
  export_function<stepper_step>(exports, "stepperStep");
  export_function<stepper_reset>(exports, "stepperReset");
  export_function<joint_steps>(exports, "jointSteps");
  export_function<joint_step>(exports, "jointStep");
}

}  // namespace lvm
