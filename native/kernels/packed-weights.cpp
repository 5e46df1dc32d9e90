#include "packed-weights.h"

#include "../error.h"
#include "../parallel.h"
#include "../simd.h"
#include "agreement.h"
#include "byte-panels.h"
#include "panels.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/quantized/PackedParams.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

namespace lvm {
namespace {

LVM_CLONES float largest(int64_t n, const float* x) {
  float most = 0;
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) most = std::max(most, std::abs(x[i]));
  return most;
}
LVM_CLONES void times(int64_t n, float factor, const float* x, float* y) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

template <typename Work>
void over_rows(int64_t rows, int64_t width, Work work) {
  parallel(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
    for (auto row = begin; row < end; ++row) work(row);
  });
}

Tensor plus(const Tensor& y, const Tensor& bias) { return bias.defined() ? y.add_(bias) : y; }

// libtorch warns once that quantised tensors will move to another package. Only their packed form is used here.
struct Silent final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

using Prepack = c10::intrusive_ptr<LinearPackedParamsBase>(Tensor, std::optional<Tensor>);

// The kernels use one quantisation range for all rows. Each row is first scaled to a largest magnitude of 1, so that results do
// not depend on the other rows and small rows keep their precision.
struct Dynamic final : Packed {
  Dynamic(at::QEngine engine, bool reduced, const Tensor& values, const Tensor& scales)
      : Packed(values.size(0), values.size(1)), reduced(reduced) {
    static const auto prepack = c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_prepack", "").typed<Prepack>();
    Silent silent;
    const c10::WarningUtils::WarningHandlerGuard guard(&silent);
    const auto q =
      at::_make_per_channel_quantized_tensor(values, scales.to(torch::kFloat64), torch::zeros(scales.sizes(), torch::kInt64), 0);
    auto& context = at::globalContext();
    const auto before = context.qEngine();
    context.setQEngine(engine);
    weights = prepack.call(q, std::nullopt);
    context.setQEngine(before);
  }
  Tensor product(const Tensor& x, const Tensor& bias) const override {
    if (x.size(0) == 1) return plus(weights->apply_dynamic(x, reduced), bias);
    const auto rows = x.size(0), in = x.size(1);
    const auto level = torch::empty_like(x), sizes = torch::empty({rows}, x.options());
    auto *size = sizes.mutable_data_ptr<float>(), *to = level.mutable_data_ptr<float>();
    const auto* from = x.const_data_ptr<float>();
    over_rows(rows, in, [&](int64_t row) {
      size[row] = std::max(largest(in, from + row * in), 1e-30f);
      times(in, 1 / size[row], from + row * in, to + row * in);
    });
    const auto y = weights->apply_dynamic(level, reduced);
    auto* of = y.mutable_data_ptr<float>();
    over_rows(rows, out, [&](int64_t row) { times(out, size[row], of + row * out, of + row * out); });
    return plus(y, bias);
  }
  c10::intrusive_ptr<LinearPackedParamsBase> weights;
  const bool reduced;  // 7-bit inputs: without VNNI instructions a sum of two 8-bit products overflows 16 bits
};

struct WeightOnly final : Packed {
  WeightOnly(const Tensor& values, const Tensor& scales)
      : Packed(values.size(0), values.size(1)), values(values.contiguous()), scales(scales.to(torch::kBFloat16)) {}
  Tensor product(const Tensor& x, const Tensor& bias) const override {
    return plus(at::_weight_int8pack_mm(x.to(torch::kBFloat16), values, scales).to(torch::kFloat32), bias);
  }
  Tensor values, scales;
};

struct Int4 final : Packed {
  Int4(const Tensor& bytes, const Tensor& scales) : Packed(bytes.size(0), 2 * bytes.size(1)) {
    weights = at::_convert_weight_to_int4pack_for_cpu(unpacked(bytes).to(torch::kInt32).contiguous(), 1);
    const auto by_group = scales.t();
    table = torch::stack({by_group, torch::zeros_like(by_group)}, -1).to(torch::kBFloat16).contiguous();
  }
  Tensor product(const Tensor& x, const Tensor& bias) const override {
    return plus(at::_weight_int4pack_mm_for_cpu(x.to(torch::kBFloat16), weights, int4_group, table).to(torch::kFloat32), bias);
  }
  Tensor weights, table;
};

// Weights in bfloat16, from quantised or bfloat16 values.
struct Half final : Packed {
  Half(const Tensor& given, const Tensor& scales)
      : Packed(given.size(0), given.scalar_type() == torch::kUInt8 ? 2 * given.size(1) : given.size(1)) {
    if (!scales.defined()) values = given.contiguous();
    else if (given.scalar_type() == torch::kInt8) values = (given * scales.unsqueeze(1)).to(torch::kBFloat16);
    else values = ((unpacked(given).to(torch::kFloat32) - 8) * scales.repeat_interleave(int4_group, 1)).to(torch::kBFloat16);
  }
  Tensor product(const Tensor& x, const Tensor& bias) const override {
    return plus(at::linear(x.to(torch::kBFloat16), values).to(torch::kFloat32), bias);
  }
  Tensor values;
};

// A variant of a kernel, with its allowed rounding error.
struct Form {
  Rounding rounding;
  std::function<std::shared_ptr<const Packed>(const Tensor& values, const Tensor& scales)> make;
};

// Variants in the order in which they are tried. The input range is rounded too, which adds half a step at its ends.
std::vector<Form> forms_of(const std::string& kernel) {
  // At most the weight, its scale, the input and the output are rounded to bfloat16.
  constexpr Rounding bfloat16{0, 4 * 0x1p-8};
  const auto dynamic = [](at::QEngine engine) {
    const auto make = [=](bool reduced) {
      return
        [=](const Tensor& values, const Tensor& scales) { return std::make_shared<Dynamic>(engine, reduced, values, scales); };
    };
    return std::vector<Form>{{{2. / 255, 0}, make(false)}, {{2. / 127, 0}, make(true)}};
  };
  if (kernel == "dynamic_fbgemm") return dynamic(at::QEngine::FBGEMM);
  if (kernel == "dynamic_onednn") return dynamic(at::QEngine::ONEDNN);
  if (kernel == "weight_only") return {{bfloat16, [](auto& v, auto& s) { return std::make_shared<WeightOnly>(v, s); }}};
  if (kernel == "int4") return {{bfloat16, [](auto& v, auto& s) { return std::make_shared<Int4>(v, s); }}};
  if (kernel == "dynamic_panels") return {{{2. / 255, 0}, [](auto& v, auto& s) { return in_byte_panels(v, s); }}};
  if (kernel == "panels") return {{{}, [](auto& v, auto&) { return in_panels(v); }}};
  if (kernel == "bf16") return {{bfloat16, [](auto& v, auto& s) { return std::make_shared<Half>(v, s); }}};
  throw Error("BAD_ARGUMENT", "weights: there is no kernel \"" + kernel + "\"");
}

// Whether a variant is correct for extreme weights of a shape; cached per thread count.
bool right_at_extremes(const std::string& kernel, size_t index, const Form& form, torch::Dtype dtype, int64_t out, int64_t in) {
  static std::mutex mutex;
  static std::map<std::tuple<std::string, size_t, torch::Dtype, int64_t, int64_t, int>, bool> known;
  const std::lock_guard lock(mutex);
  const auto key = std::tuple(kernel, index, dtype, out, in, at::get_num_threads());
  if (const auto found = known.find(key); found != known.end()) return found->second;
  const auto [values, scales] = extreme_weights(dtype, out, in);
  const auto made = form.make(values, scales);
  return known[key] = made && disagreement(*made, form.rounding, values, scales, Outputs::all) <= 1;
}

// Returns the first variant of a kernel that is correct on this machine, or null.
std::shared_ptr<const Packed> packed(const std::string& kernel, const Tensor& values, const Tensor& scales, int64_t in) {
  const auto forms = forms_of(kernel);
  for (size_t i = 0; i < forms.size(); ++i) {
    try {
      if (!right_at_extremes(kernel, i, forms[i], values.scalar_type(), values.size(0), in)) continue;
      auto made = forms[i].make(values, scales);
      // These keep the values as they are; the other kernels pack them, each matrix anew.
      const auto kept = kernel == "bf16" || kernel == "panels";
      if (kept || disagreement(*made, forms[i].rounding, values, scales, Outputs::ends) <= 1) return made;
    } catch (const c10::Error&) {  // missing in this libtorch, or not for this shape
    }
  }
  return nullptr;
}

}  // namespace

void Packed::write(const float* x, int64_t n, const float* bias, float* y) const {
  const auto view = [](const float* data, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(data), shape, torch::kFloat32);
  };
  view(y, {n, out}).copy_(product(view(x, {n, in}), bias ? view(bias, {out}) : Tensor()));
}

bool in_blocks(const std::string& kernel, int64_t out, int64_t in) {
  if (kernel == "int4") return out % 16 == 0 && in % int4_group == 0;
  return kernel != "weight_only" || (out % 16 == 0 && in % 16 == 0);
}

Tensor unpacked(const Tensor& bytes) {
  return torch::stack({bytes.bitwise_and(15), bytes.bitwise_right_shift(4)}, -1).flatten(1);
}

std::vector<std::shared_ptr<const Packed>> packed_parts(const std::string& kernel, const Tensor& values, const Tensor& scales,
                                                        int64_t out, int64_t in, int64_t first) {
  const auto type = values.scalar_type();
  const auto four = type == torch::kUInt8, whole = four || type == torch::kInt8;
  const std::vector<int64_t> shape{out, four ? in / 2 : in},
    scale_shape = four ? std::vector<int64_t>{out, in / int4_group} : std::vector<int64_t>{out};
  const auto fits = kernel == "int4"     ? four
                    : kernel == "bf16"   ? whole || type == torch::kBFloat16
                    : kernel == "panels" ? type == torch::kFloat32
                                         : type == torch::kInt8;
  if (!fits || values.sizes() != shape || whole != scales.defined() || (whole && scales.sizes() != scale_shape))
    throw Error("BAD_ARGUMENT", "weights: expected values and scales as the kernel \"" + kernel + "\" wants them");
  const auto part = [&](int64_t from, int64_t count) {
    if (!in_blocks(kernel, count, in))
      throw Error("BAD_ARGUMENT", "weights: the kernel \"" + kernel + "\" does not take a matrix of this shape");
    return packed(kernel, values.narrow(0, from, count).contiguous(),
                  whole ? scales.narrow(0, from, count).contiguous() : Tensor(), in);
  };
  std::vector<std::shared_ptr<const Packed>> parts{part(0, first == 0 ? out : first)};
  if (first != 0) parts.push_back(part(first, out - first));
  return std::count(parts.begin(), parts.end(), nullptr) == 0 ? parts : std::vector<std::shared_ptr<const Packed>>();
}

}  // namespace lvm
