#include "../text/encode.h"
#include "convert.h"

namespace lvm {
namespace {

std::vector<int64_t> int64s(const Tensor& t) { return {t.const_data_ptr<int64_t>(), t.const_data_ptr<int64_t>() + t.numel()}; }

// textEncode(model, ids: Int32Array, lengths: Int32Array, skip: number | undefined) -> Promise<Float32Array>
Napi::Value text_encode(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), tokens = ids(info[1]).to(torch::kInt64), lengths = int64s(ids(info[2]).to(torch::kInt64)),
     skip = info[3].IsUndefined() ? 0 : count(info[3], "skip")] {
      return encode_texts(*model, tokens, lengths, skip).contiguous();
    },
    [](Napi::Env env, Tensor vectors) -> Napi::Value {
      auto array = Napi::Float32Array::New(env, size_t(vectors.numel()));
      std::copy_n(vectors.const_data_ptr<float>(), vectors.numel(), array.Data());
      return array;
    });
}

}  // namespace

void export_texts(Napi::Object exports) { export_function<text_encode>(exports, "textEncode"); }

}  // namespace lvm
