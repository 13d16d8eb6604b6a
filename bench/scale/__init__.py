"""How the figures, the API and the dashboard hold as history grows: 10^5 events, 10^6, 10^7."""
