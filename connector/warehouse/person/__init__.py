"""What a person may ask: all that the warehouse holds of them, and that it be gone.

A person is one user id of the app: ShortKit's userId, AppMetrica's profile_id, MyTracker's
customUserId. Their devices are those whose ids stand in one row with it.
"""
