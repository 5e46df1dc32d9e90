#include "../recycling.h"

#include "convert.h"
#include "training-handles.h"

#include <ATen/Parallel.h>

namespace lvm {

static Napi::Value leave_process(const Napi::CallbackInfo& info) {
  leave(int(integer(info[0], "code")));
  return info.Env().Undefined();
}

// The JS thread computes with one thread, because an OpenMP team of its own would compete with that of the lane; see lane.h.
static void stay_single() {
  wanted_settings();  // reads libtorch's thread count before it changes
  at::set_num_threads(1);
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  allocate_by_ourselves();
  stay_single();
  env.SetInstanceData(new Environment(env));
  export_tensors(exports);
  export_call(exports);
  export_deferred(exports);
  export_gradients(exports);
  export_loops(exports);
  export_devices(exports);
  export_models(exports);
  export_steppers(exports);
  export_evaluation(exports);
  export_retrieval(exports);
  export_training(exports);
  export_ranks(exports);
  export_trainer_state(exports);
  export_scripts(exports);
  export_texts(exports);
  export_t5(exports);
  export_function<leave_process>(exports, "leave");
  return exports;
}

}  // namespace lvm

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return lvm::init(env, exports); }
NODE_API_MODULE(lvm_torch, Init)
