"""The figures of statistics as people look for them."""

GROUPS = {
    "办件": ("filed", "decided", "refused", "rejected", "supplemented", "supplement_share", "special", "extended"),
    "用时": (
        "mean_days", "median_days", "p90_days", "early", "early_share", "step_of", "step_mean", "step_median", "step_p90", "step_wait",
    ),
    "时限与灯": (
        "lit", "on_time", "lawful", "promise_late", "statute_late", "yellow", "red", "rule_yellow", "rule_red", "correction_of",
        "correction_slow", "sanction",
    ),
    "程序、收费、公开": ("route_fault", "fee_fault", "fee_paid", "fee_yuan", "open_fault"),
    "数据质量": (
        "entered_late", "late_entry_share", "incomplete", "reopened", "unentered", "concealed", "clue", "arrival_of", "arrival_late",
        "arrival_share",
    ),
    "评价、投诉、在岗": (
        "rating_of", "rating_bad", "rating_mean", "rating_share", "complaint", "complaint_of", "complaint_slow", "complaint_kept",
        "complaint_unsolved", "callback_of", "callback_slow", "callback_kept", "seat_of", "absence", "absence_minutes", "seat_share",
    ),
    "异常规律（线索）": (
        "odd_minute", "odd_minute_share", "odd_crowd", "odd_crowd_share", "odd_alike", "odd_batch",
    ),
}  # fmt: skip
"""Every figure once, as people look for it."""
