// The two ways to fail: the user can fix it (exit 2), or edgeopt broke a promise (exit 70).
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace edgeopt {

/// Something the user can fix: a file, a flag, a request. The message says what, where, which value, what to
/// do.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// edgeopt broke one of its own promises; never the user's fault.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Rethrows the exception now being handled with "<context>: " in front of its message, its kind kept.
/// std::bad_alloc becomes a UserError that says how to use less memory; call it only inside a catch block.
[[noreturn]] void rethrow_with_context(std::string_view context);

/// Runs `action`; a failure inside it carries `context` ("loading 'm.onnx'") in front of its message.
template <typename Action>
decltype(auto) while_doing(std::string_view context, Action&& action) {
  try {
    return action();
  } catch (...) {
    rethrow_with_context(context);
  }
}

}  // namespace edgeopt
