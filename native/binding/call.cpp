// Calls any operator that libtorch registers. Its schema determines the conversion of each JavaScript value.

#include "convert.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace lvm {
namespace {

Napi::Value call(const Napi::CallbackInfo& info) {
  const auto full = text(info[0], "op");
  if (!info[1].IsArray() || !info[2].IsObject())
    throw Error("BAD_ARGUMENT", "call: expected a list of arguments and an object of named ones");
  const auto given = info[1].As<Napi::Array>();
  const auto named = info[2].As<Napi::Object>();
  const auto dot = full.find('.');
  const auto name = full.substr(0, dot);
  auto& dispatcher = c10::Dispatcher::singleton();

  std::string misfits;
  int forms = 0;
  const auto attempt =
    [&](const c10::OperatorName& op) -> std::optional<std::pair<c10::OperatorHandle, std::vector<c10::IValue>>> {
    const auto handle = dispatcher.findSchema(op);
    if (!handle) return std::nullopt;
    try {
      return std::pair(*handle, fit_all(handle->schema(), given, named));
    } catch (const Misfit& misfit) {
      constexpr int told = 5;  // overloads listed in the message
      std::ostringstream line;
      line << "\n  " << handle->schema() << ": " << misfit.what();
      if (++forms <= told) misfits += line.str();
      else if (forms == told + 1) misfits += "\n  …";
      return std::nullopt;
    }
  };

  auto found = attempt({name, dot == std::string::npos ? "" : full.substr(dot + 1)});
  if (!found && dot == std::string::npos) {
    for (const auto& op : dispatcher.getAllOpNames()) {
      if (op.name == name && !op.overload_name.empty() && (found = attempt(op))) break;
    }
  }
  if (!found) {
    throw Error("BAD_ARGUMENT", misfits.empty() ? "call: libtorch has no operator \"" + cut(full) + "\"; operators() lists them"
                                                : "call: no form of " + cut(full) + " takes these arguments:" + misfits);
  }
  return run_async(
    info.Env(),
    [found = std::move(*found)]() mutable {
      found.first.callBoxed(found.second);
      return found.second;
    },
    [](Napi::Env env, std::vector<c10::IValue> results) -> Napi::Value {
      if (results.size() == 1) return to_js(env, results[0]);
      auto array = Napi::Array::New(env, results.size());
      for (uint32_t i = 0; i < results.size(); ++i) array.Set(i, to_js(env, results[i]));
      return array;
    });
}

Napi::Value operators(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  for (const auto& op : c10::Dispatcher::singleton().getAllOpNames()) {
    list.Set(list.Length(), op.overload_name.empty() ? op.name : op.name + "." + op.overload_name);
  }
  return list;
}

// operatorSchemas() -> [text of every operator of aten]
Napi::Value operator_schemas(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    const auto op = name.name.rfind("aten::", 0) == 0 ? dispatcher.findSchema(name) : std::nullopt;
    if (!op) continue;
    std::ostringstream text;
    text << op->schema();
    list.Set(list.Length(), text.str());
  }
  return list;
}

}  // namespace

void export_call(Napi::Object exports) {
  export_function<call>(exports, "call");
  export_function<operators>(exports, "operators");
  export_function<operator_schemas>(exports, "operatorSchemas");
}

}  // namespace lvm
