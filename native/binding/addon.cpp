#include "convert.h"

namespace lvm {

static Napi::Value leave_process(const Napi::CallbackInfo& info) {
  leave(int(integer(info[0], "code")));
  return info.Env().Undefined();
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  export_tensors(exports);
  export_call(exports);
  export_devices(exports);
  export_models(exports);
  export_evaluation(exports);
  export_training(exports);
  export_function<leave_process>(exports, "leave");
  return exports;
}

}  // namespace lvm

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return lvm::init(env, exports); }
NODE_API_MODULE(lvm_torch, Init)
