/*
 * header.cpp - the header is C++ too
 * SPDX-License-Identifier: MIT
 */
#include <clstep/clstep.h>

#include <cstdio>
#include <cstring>

static_assert(CLSTEP_OK == 0, "success is zero");
static_assert(CLSTEP_ALIGNMENT == 256, "the alignment of tensors");

static bool has_tensor()
{
    const uint64_t shape[] = {3, 5};
    clstep_layout *layout = nullptr;
    clstep_error error;
    clstep_tensor tensor;

    if (clstep_layout_create(&layout, &error) != CLSTEP_OK)
        return false;

    const bool good =
        clstep_layout_add(layout, "w", 2, shape, 0, &error) == CLSTEP_OK &&
        clstep_layout_find(layout, "w", &tensor) == 1 && tensor.count == 15 &&
        clstep_layout_count(layout) == 15;

    clstep_layout_release(layout);
    return good;
}

static bool checks_settings()
{
    const clstep_rule *adam = clstep_rule_find("adam");
    const clstep_setting good[] = {
        {"lr", 0.1, nullptr}, {"eps_form", 0, "inside"}, {nullptr, 0, nullptr}};
    const clstep_setting bad[] = {{"lr", -1, nullptr}, {nullptr, 0, nullptr}};
    clstep_error error;

    return clstep_rule_check(adam, good, &error) == CLSTEP_OK &&
           clstep_rule_check(adam, bad, &error) == CLSTEP_OUT_OF_RANGE &&
           std::strstr(error.message, "lr") != nullptr;
}

static bool has_schedule()
{
    const clstep_setting settings[] = {
        {"T_max", 4, nullptr}, {"after", 0, "rise"}, {nullptr, 0, nullptr}};
    clstep_schedule *schedule = nullptr;
    clstep_error error;

    if (clstep_schedule_create("cosine", settings, &schedule, &error) !=
        CLSTEP_OK)
        return false;

    const bool good =
        clstep_schedule_at(schedule, 0) == 1.0 &&
        clstep_schedule_at(schedule, 8) == 1.0 &&
        clstep_schedule_watch(schedule, 1.0, &error) == CLSTEP_INVALID_ARGUMENT;

    clstep_schedule_release(schedule);
    return good;
}

int main()
{
    const clstep_buffers none = {};
    clstep_optimizer *optimizer = nullptr;

    if (std::strcmp(clstep_version(), "0.1.0") != 0 || !has_tensor() ||
        !checks_settings() || !has_schedule())
        return std::puts("header.cpp: wrong"), 1;
    if (clstep_optimizer_create(nullptr, "adam", nullptr, nullptr, &optimizer,
                                nullptr) != CLSTEP_INVALID_ARGUMENT ||
        clstep_optimizer_step(optimizer, nullptr, &none, 0, nullptr, nullptr,
                              nullptr) != CLSTEP_INVALID_ARGUMENT)
        return std::puts("header.cpp: not refused"), 1;
    return 0;
}
