"""What runs by itself: the job that closes a month, the monthly schedule, the sensor on the JDash inbox."""

from cpg1_assets.automation.inbox import jdash_sensor
from cpg1_assets.automation.monthly import close_month_job, monthly_schedule, third_working_day

__all__ = ["close_month_job", "jdash_sensor", "monthly_schedule", "third_working_day"]
