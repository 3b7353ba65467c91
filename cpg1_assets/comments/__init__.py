"""What people say of the open items: from a month's comments file in the inbox to one frame."""
