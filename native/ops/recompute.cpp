#include "recompute.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;

struct Work final : torch::CustomClassHolder {
  explicit Work(const std::function<Tensor(const variable_list&)>& f) : f(f) {}
  std::function<Tensor(const variable_list&)> f;
};

struct Recomputed final : torch::autograd::Function<Recomputed> {
  static Tensor forward(AutogradContext* ctx, const c10::intrusive_ptr<Work>& work, at::TensorList inputs) {
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["work"] = c10::IValue::make_capsule(work);
    return work->f(inputs.vec());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto work = c10::static_intrusive_pointer_cast<Work>(ctx->saved_data["work"].toCapsule());
    variable_list inputs, wanted, out(saved.size() + 1);  // the work itself has no gradient
    for (size_t i = 0; i < saved.size(); ++i) {
      inputs.push_back(saved[i].detach().set_requires_grad(ctx->needs_input_grad(i)));
      if (ctx->needs_input_grad(i)) wanted.push_back(inputs.back());
    }
    const at::AutoGradMode again(true);
    const auto found = torch::autograd::grad({work->f(inputs)}, wanted, {gradients[0]});
    for (size_t i = 0, j = 0; i < saved.size(); ++i) {
      if (ctx->needs_input_grad(i)) out[i + 1] = found[j++];
    }
    return out;
  }
};

}  // namespace

Tensor recomputed(const std::function<Tensor(const variable_list&)>& f, const variable_list& inputs) {
  return Recomputed::apply(c10::make_intrusive<Work>(f), at::TensorList(inputs));
}

}  // namespace lvm
