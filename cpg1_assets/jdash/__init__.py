"""The JDash files of a month: from a folder of the inbox to one frame. What a missing file means is a rule's business."""
