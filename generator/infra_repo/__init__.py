"""Texts of the infra repository: HCL, entries in shared files, allocations, trees and their differences. Pure.

May import template and base.
"""
